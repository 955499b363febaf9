"""Measuring a row: the candidates start, are asked whether they do what the row says, and take turns."""
import sys
import time

from . import probe
from .machine import PROXY_CORE, cpu_seconds, free_ports, memory_kib, stolen_seconds

REQUESTS_MIN = 100
TURN_ATTEMPTS = 5
STOLEN_MAX = 0.03  # of the proxy's core, in a turn that counts


class Candidate:
    """One peer in one row: its process, pinned, the port where it listens, and what was measured."""

    def __init__(self, peer, row, place, upstream):
        self.peer, self.name = peer, peer.name
        self.port, = free_ports(1)
        self.process = place.start(self.name, PROXY_CORE, peer.command(row, place, upstream, self.port))
        self.turns = []
        self.idle = (0, 0)


class Turn:
    """What one turn cost: microseconds a request, and what the load saw."""

    def __init__(self, user, system, requests, seconds, connections, stolen):
        self.user, self.total = user * 1e6 / requests, (user + system) * 1e6 / requests
        self.rate = requests / seconds
        self.connections = connections * 1000 / requests  # to the upstream, a thousand requests
        self.stolen = stolen  # the share of the proxy's core that the hypervisor took


class Wrong(Exception):
    """A load generator saw something that must not be."""


class Measure:
    """A row in progress. `skipped` and `failed`: {name: why}."""

    def __init__(self, row, peers, place, upstream, load, options):
        self.row, self.place, self.upstream, self.load, self.options = row, place, upstream, load, options
        self.candidates, self.skipped, self.failed = [], {}, {}
        for peer in peers:
            why = peer.missing(row)
            if why:
                self.skipped[peer.name] = why
            else:
                self.candidates.append(Candidate(peer, row, place, upstream))

    def run(self):
        started = [one.process for one in self.candidates]
        try:
            self.check()
            time.sleep(1)
            for one in self.candidates:
                one.idle = (memory_kib(one.process.pid, "VmRSS"), memory_kib(one.process.pid, "RssAnon"))
            for one in list(self.candidates):
                self.attempt(one, 1)  # warm-up: pools filled, pages touched
                one.turns.clear()
            for number in range(self.options.rounds):
                self.round(number)
        finally:
            self.place.stop(*started)

    def check(self):
        for one in list(self.candidates):
            why = probe.wait(one, self.row, self.load, self.upstream)
            if not why:
                continue
            self.candidates.remove(one)
            log = self.place.log(one.name).strip()
            print(f"  {one.name} is left out: {why}" + (f"; its log ends:\n{log}" if log else ""), file=sys.stderr, flush=True)
            # Outrider may not have learned this row yet. A peer that was installed and does not answer is a mistake of ours.
            (self.skipped if one.name == "outrider" else self.failed)[one.name] = why

    def round(self, number):
        """A turn for each, another one first each time."""
        first = number % len(self.candidates) if self.candidates else 0
        for one in self.candidates[first:] + self.candidates[:first]:
            self.attempt(one, self.options.seconds)
        line = ", ".join(f"{one.name} {one.turns[-1].total:.1f}" for one in self.candidates)
        print(f"  round {number + 1}: {line} µs/request", flush=True)

    def attempt(self, one, seconds):
        try:
            one.turns.append(self.turn(one, seconds))
        except Wrong as wrong:
            self.failed[one.name] = str(wrong)
            self.candidates.remove(one)
            print(f"  {one.name} FAILS: {wrong}", file=sys.stderr, flush=True)

    def turn(self, one, seconds):
        best = None
        for _ in range(TURN_ATTEMPTS):
            stolen = stolen_seconds(PROXY_CORE)
            user, system = cpu_seconds(one.process.pid)
            connections = self.upstream.connections()
            began = time.monotonic()
            requests, wrong = self.load.run(self.row, one.port, seconds)
            elapsed = time.monotonic() - began
            if one.process.poll() is not None:
                raise Wrong(f"it ended with {one.process.returncode}; its log ends: {self.place.log(one.name, 300)}")
            user2, system2 = cpu_seconds(one.process.pid)
            if wrong:
                raise Wrong("; ".join(wrong))
            # Ticks are 10 ms: a turn that the machine gave no time to says nothing and is repeated; so is one that it disturbed.
            if requests >= REQUESTS_MIN and user2 + system2 > user + system:
                share = (stolen_seconds(PROXY_CORE) - stolen) / elapsed
                turn = Turn(user2 - user, system2 - system, requests, elapsed, self.upstream.connections() - connections, share)
                best = turn if not best or share < best.stolen else best
                if share <= STOLEN_MAX:
                    return turn
        if best:
            return best
        raise Wrong("it gets no time to answer; is the machine busy?")
