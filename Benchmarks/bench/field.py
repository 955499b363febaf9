"""The candidates of a row: they start, are asked whether they do what the row says, and take turns."""
import sys
import time

from . import probe
from .machine import free_ports, memory_kib, proxy_cores
from .place import tail

SETTLE_SECONDS = 3  # what serves is written down after two seconds, and then memory goes back


class Wrong(Exception):
    """Something was seen that must not be."""


class Candidate:
    """A proxy doing some work: its process, pinned, and where it listens."""

    def __init__(self, peer, work, bench, label=None):
        self.peer, self.work, self.place, self.upstream = peer, work, bench.place, bench.upstream
        self.label = label or peer.name
        self.room = bench.place.room(peer.name)
        self.port, self.admin = free_ports(2)
        self.first_group, self.changes = "v1", 0
        self.turns, self.idle, self.loaded = [], (0, 0), (0, 0)

    def start(self):
        command = self.peer.command(self)
        self.began = time.monotonic()
        self.process = self.place.start(self.room, proxy_cores(self.work.workers), command)

    def groups(self):
        """Where each rule leads: the last one to v2, the others to v1, but the first one as it was changed."""
        rules = self.work.rules
        yield self.first_group
        for index in range(1, rules.count):
            yield rules.group(index)

    def change(self):
        """One rule leads elsewhere. What changed shows in what it answers."""
        self.first_group = "v1" if self.first_group == "v2" else "v2"
        self.changes += 1
        self.peer.change(self)

    def demand_alive(self):
        if self.process.poll() is not None:
            raise Wrong(f"it ended with {self.process.returncode}; its log ends: {tail(self.room, 300)}")


class Field:
    """Candidates side by side. `skipped` and `failed`: {label: why}. Ends its processes as a context."""

    def __init__(self, bench, entries):
        self.bench, self.place = bench, bench.place
        self.candidates, self.skipped, self.failed = [], {}, {}
        for peer, work, label in entries:
            why = peer.missing(work)
            if why:
                self.skipped[peer.name] = why
            else:
                self.candidates.append(Candidate(peer, work, bench, label))

    def __enter__(self):
        self.all = list(self.candidates)
        for one in self.all:
            one.start()
        for one in self.all:
            self.check(one)
        return self

    def settle(self):
        """Waits until starting is over, and reads the memory of who has nothing to do."""
        time.sleep(SETTLE_SECONDS)
        for one in self.candidates:
            one.idle = memory_kib(one.process.pid)

    def __exit__(self, *_):
        self.place.stop(*(one.process for one in self.all if hasattr(one, "process")))

    def check(self, one):
        why = probe.wait(one, self.bench.load, self.bench.upstream)
        one.ready_seconds = time.monotonic() - one.began
        if not why:
            return
        self.candidates.remove(one)
        log = tail(one.room)
        print(f"  {one.label} is left out: {why}" + (f"; its log ends:\n{log}" if log else ""), file=sys.stderr, flush=True)
        # Outrider may not have learned this row yet. A peer that was installed and does not answer is a mistake of ours.
        (self.skipped if one.peer.name == "outrider" else self.failed)[one.label] = why

    def attempt(self, one, turn):
        """Takes a turn, or strikes the candidate out."""
        self.guard(one, lambda: one.turns.append(turn(one)))

    def guard(self, one, action):
        """Does something with a candidate; who fails in it is struck out."""
        try:
            action()
        except (Wrong, OSError) as wrong:
            self.failed[one.label] = str(wrong)
            self.candidates.remove(one)
            print(f"  {one.label} FAILS: {wrong}", file=sys.stderr, flush=True)

    def rounds(self, turn, describe, count=None):
        """A turn for each in each round, another one first each time."""
        for number in range(count or self.bench.options.rounds):
            first = number % len(self.candidates) if self.candidates else 0
            for one in self.candidates[first:] + self.candidates[:first]:
                self.attempt(one, turn)
            line = ", ".join(f"{one.label} {describe(one.turns[-1])}" for one in self.candidates)
            print(f"  round {number + 1}: {line}", flush=True)
