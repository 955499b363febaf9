"""Load while a rule is changed every second, beside load in peace."""
import contextlib
import threading

from .. import turn
from ..field import Field
from ..report import markdown, median, name_of, notes, spread
from .latency import of, saturation
from .row import Row, Section

CHANGE_SECONDS = 1
SHARE = 0.2  # of HAProxy's saturation: everyone can carry that


class Reload(Row):
    """How each is told: Outrider by the rename of a VirtualService's file, HAProxy by SIGUSR2 to its master, nginx by SIGHUP,
    Envoy by the rename of the route table that it watches."""
    peers = ("haproxy", "nginx", "envoy", "outrider")

    def __init__(self, name, title, work):
        super().__init__(name, title)
        self.work = work

    def run(self, bench):
        seconds = 2.5 if bench.options.quick else 5
        with Field(bench, [(peer, self.work, None) for peer in self.chosen(bench)]) as field:
            turn.warm(bench, field)
            rate, whose = saturation(bench, field, self.work, SHARE)
            paced = self.work.having(rate=rate)
            field.rounds(lambda one: Pair(bench, one, paced, seconds), lambda pair: f"lost {pair.changed.seen['lost']}",
                         1 if bench.options.quick else None)
        intro = [f"{rate:,} requests a second, {SHARE:.0%} of {whose}'s saturation, {self.work.rules.count} rules; every "
                 f"{CHANGE_SECONDS} s one of them is changed.", ""]
        values = {f"lost {one.label}": [pair.changed.seen["lost"] for pair in one.turns] for one in field.candidates}
        return Section(self.title, intro + table(field) + notes(field), values, faults=self.faults(field))


class Pair:
    """A turn in peace and one under changes."""

    def __init__(self, bench, one, work, seconds):
        self.calm = turn.take(bench, one, work, seconds)
        with changing(one):
            self.changed = turn.take(bench, one, work, seconds)
        self.stolen = max(self.calm.stolen, self.changed.stolen)


@contextlib.contextmanager
def changing(one):
    over = threading.Event()

    def change():
        while not over.wait(CHANGE_SECONDS):
            one.change()

    changer = threading.Thread(target=change)
    changer.start()
    try:
        yield
    finally:
        over.set()
        changer.join()


def table(field):
    rows = []
    for one in field.candidates:
        calm, changed = ([getattr(pair, which) for pair in one.turns] for which in ("calm", "changed"))
        lost, before = (sum(done.seen["lost"] for done in turns) for turns in (changed, calm))
        cells = [f"{median(calm, of(key)):,.0f} → {median(changed, of(key)):,.0f} µs" for key in ("p50", "p99", "p999")]
        grown = [pair.changed.seen["p99"] / pair.calm.seen["p99"] for pair in one.turns]
        rows.append([name_of(one), f"{lost} (in peace {before})",
                     f"{sum(done.seen['reopened'] for done in changed)}", f"{median(changed, 'rate'):,.0f}", *cells, spread(grown),
                     f"{median(calm, 'total'):.1f} → {median(changed, 'total'):.1f} µs"])
    return markdown(["proxy", "requests lost", "connections ended", "answered/s", "p50", "p99", "p99.9", "p99 grows",
                     "CPU per request"], rows)
