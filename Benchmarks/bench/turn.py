"""One turn: what a candidate paid while the load ran, and what the load saw."""
import threading

from .field import Wrong
from .machine import CPU, LOAD_CORE, PROXY_CORE, memory_kib, stolen_seconds

REQUESTS_MIN = 20
STOLEN_MAX = 0.03  # of a core, in a turn that counts


class Turn:
    """Microseconds of CPU a request, requests a second, and what else there is to say."""

    def __init__(self, candidate, total, user, seen, connections, stolen):
        self.total, self.user = total * 1e6 / seen.requests, user * 1e6 / seen.requests
        self.rate = seen.requests / seen.seconds
        self.connections = connections * 1000 / seen.requests  # to nginx as the upstream, a thousand requests
        self.stolen = stolen  # the share of a core that the hypervisor took
        self.seen, self.rss = seen.more, candidate.loaded


def attempt(bench, candidate, work, seconds):
    # Whose latency is measured is disturbed on the load's core as well.
    cores = (PROXY_CORE, LOAD_CORE) if work.rate else (PROXY_CORE,)
    stolen, connections = [stolen_seconds(core) for core in cores], bench.upstream.connections()
    pid = candidate.process.pid
    before = CPU(pid)

    def look():
        candidate.loaded = memory_kib(pid)

    half = threading.Timer(seconds / 2, look)
    half.start()
    seen = bench.load.run(work, candidate.port, seconds)
    half.join()
    candidate.demand_alive()
    total, user = CPU(pid).since(before)
    if seen.wrong:
        raise Wrong("; ".join(seen.wrong))
    if seen.requests < REQUESTS_MIN or not total:
        return None
    share = max(stolen_seconds(core) - earlier for core, earlier in zip(cores, stolen)) / seen.seconds
    return Turn(candidate, total, user, seen, bench.upstream.connections() - connections, share)


def take(bench, candidate, work=None, seconds=None):
    """A turn. One that the machine gave no time to says nothing and is repeated; so is one that it disturbed."""
    best = None
    for _ in range(bench.options.attempts):
        turn = attempt(bench, candidate, work or candidate.work, seconds or bench.options.seconds)
        if turn and (not best or turn.stolen < best.stolen):
            best = turn
        if turn and (turn.stolen <= STOLEN_MAX or bench.options.repeats <= 0):
            break
        bench.options.repeats -= 1
    if not best:
        raise Wrong("it gets no time to answer; is the machine busy?")
    return best


def warm(bench, field, work=None):
    """Pools filled, pages touched; also who fails, fails here. The turns are forgotten."""
    for one in list(field.candidates):
        field.attempt(one, lambda one: take(bench, one, work, bench.options.warm))
        one.turns.clear()
