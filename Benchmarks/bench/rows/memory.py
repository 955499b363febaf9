"""Memory of kept client connections that do nothing."""
import statistics

from .. import turn
from ..field import Field
from ..holding import Held, kernel_kib
from ..machine import memory_kib
from ..report import markdown, memory, name_of, notes, spread
from ..work import Work
from .row import Row, Section

COUNT = 10_000


class Memory(Row):
    peers = ("haproxy", "nginx", "envoy", "outrider")

    def run(self, bench):
        work, found = Work(clients=COUNT + 100), {}
        for _ in range(1 if bench.options.quick else 3):
            with Field(bench, [(peer, work, None) for peer in self.chosen(bench)]) as field:
                field.settle()
                turn.warm(bench, field)
                for one in list(field.candidates):
                    field.attempt(one, hold)
            for one in field.candidates:
                print(f"  {one.label}: {one.turns[-1]['resident']:.0f} bytes a connection", flush=True)
                found.setdefault(one.label, (one, []))[1].append(one.turns[-1])
        return Section(self.title, table(found) + kernel(found) + notes(field), values(found), faults=self.faults(field))


def hold(one):
    """Bytes a connection: what the process grew by, and the kernel, both ends together."""
    before, kernel = memory_kib(one.process.pid), kernel_kib()
    with Held(one.port, COUNT, one.work):
        after = memory_kib(one.process.pid)
        grown = kernel_kib() - kernel
    per = 1024 / COUNT
    return {"resident": (after[0] - before[0]) * per, "anonymous": (after[1] - before[1]) * per, "kernel": grown * per,
            "total": after[0]}


def table(found):
    rows = []
    for one, turns in found.values():
        parts = [spread([turn[key] for turn in turns], 0) for key in ("resident", "anonymous")]
        rows.append([name_of(one), memory(one.idle),
                     f"{statistics.median(turn['total'] for turn in turns) / 1024:.1f} MB", *parts])
    return markdown(["proxy", "RSS idle (anonymous)", f"RSS with {COUNT:,}", "bytes a connection", "of which anonymous"], rows)


def kernel(found):
    """Memory that sockets gave back stays with the kernel's slabs for the next: only the first proxy shows what they take."""
    first = next(iter(found.values()), None)
    return ["", f"Beside this the kernel holds about {first[1][0]['kernel']:,.0f} bytes a connection, both ends together, for "
            "everyone alike."] if first else []


def values(found):
    return {f"connection {label}": [turn["resident"] for turn in turns] for label, (_, turns) in found.items()}
