"""Whether a proxy that has nothing to do does nothing."""
import contextlib
import time

from ..field import Field
from ..holding import Held
from ..machine import CPU, switches
from ..report import markdown, name_of, notes
from ..work import Work
from .row import Row, Section

CONNECTIONS = 1000
SETTLE_SECONDS = {0: 2, CONNECTIONS: 12}  # after traffic its timers have to run off first: connecting may take 10 s


class IdleCPU(Row):
    peers = ("haproxy", "nginx", "envoy", "outrider")

    def run(self, bench):
        seconds, found = (3 if bench.options.quick else 20), {}
        with Field(bench, [(peer, Work(), None) for peer in self.chosen(bench)]) as field, contextlib.ExitStack() as held:
            for count in (0, CONNECTIONS):
                for one in list(field.candidates) if count else []:
                    field.guard(one, lambda: held.enter_context(Held(one.port, count, one.work)))
                time.sleep(SETTLE_SECONDS[count])
                for one, told in watch(field.candidates, seconds):
                    found.setdefault(one.label, (one, []))[1].append(told)
        lines = table(found, seconds) + woken(found) + notes(field)
        values = {f"wake-ups {label}": [told[1] for told in both] for label, (_, both) in found.items()}
        return Section(self.title, lines, values, faults=self.faults(field))


def watch(candidates, seconds):
    """[(candidate, (CPU µs, wake-ups, {thread: wake-ups}))] in so many seconds."""
    before = [(CPU(one.process.pid), switches(one.process.pid)) for one in candidates]
    time.sleep(seconds)
    found = []
    for one, (cpu, woken) in zip(candidates, before):
        after = switches(one.process.pid)
        threads = {key: after[key] - woken.get(key, 0) for key in after if after[key] > woken.get(key, 0)}
        found.append((one, (CPU(one.process.pid).since(cpu)[0] * 1e6, sum(threads.values()), threads)))
    return found


def table(found, seconds):
    rows = [[name_of(one), *(cell for cpu, count, _ in both for cell in (f"{cpu / seconds:.0f} µs", f"{count / seconds:.1f}"))]
            for one, both in found.values()]
    return markdown(["proxy", "CPU a second", "wake-ups a second", f"with {CONNECTIONS:,} idle connections: CPU a second",
                     "wake-ups a second"], rows)


def woken(found):
    if "outrider" not in found:
        return []
    threads = [f"{name} {count}×" for _, _, by_thread in found["outrider"][1] for (_, name), count in by_thread.items()]
    return ["", "Outrider's threads that woke: " + (", ".join(threads) or "none") + "."]
