#!/usr/bin/env python3
"""Where a row's CPU goes: a flame graph and a table, from perf where the machine allows it, from callgrind otherwise.

    Benchmarks/profile.py [--row NAME] [--peer NAME] [--seconds S] [--with perf|callgrind] [--graph fp|dwarf] [--output DIR]

One proxy is set up as in that row, the load runs, and the proxy is watched. Written to --output, by default .build-bench/profile:
ROW-PEER.svg (open it in a browser; hovering tells names and shares) and ROW-PEER.txt. Stacks are walked by unwinding tables
(dwarf), which takes half a minute; --graph fp takes none, but Debian's libraries keep no frame pointers, so what is under them
(system calls, libssl) is not told whose it is.
"""
import argparse
import collections
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from bench import certificates, flame, machine, probe, stacks
from bench.field import Candidate
from bench.load import Load
from bench.peers import PEERS
from bench.place import inside, tail
from bench.prices import WITHOUT_SWITCH
from bench.rows import ROWS
from bench.upstream import Upstream

WORKS = {name: row.work for name, row in ROWS.items() if hasattr(row, "work")}
EVENTS = ("cycles", "cpu-clock")  # without a counter of cycles, as in most virtual machines, a timer
HERTZ = 999
TOP = 40


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", default="keepalive", choices=WORKS, metavar="NAME", help=", ".join(WORKS))
    parser.add_argument("--peer", default="outrider", choices=PEERS)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--with", dest="tool", choices=("perf", "callgrind"), help="instead of what the machine allows")
    parser.add_argument("--graph", default="dwarf", choices=("dwarf", "fp"), help="how perf walks a stack")
    parser.add_argument("--binary", default=str(machine.ROOT / ".build/release/outrider"), help="Outrider's")
    parser.add_argument("--output", type=pathlib.Path, default=machine.ROOT / ".build-bench/profile", metavar="DIR")
    return parser.parse_args()


def usable_event():
    """The best event that perf can record here, or nothing."""
    if not shutil.which("perf"):
        return None
    for event in EVENTS:
        done = subprocess.run(["perf", "record", "-q", "-e", event, "-o", "/dev/null", "--", "true"], capture_output=True)
        if done.returncode == 0:
            return event
    return None


def record(candidate, work, load, options, event, place):
    """Samples of the proxy while the load runs. {stack: samples}, requests."""
    data = f"{place.path}/perf.data"
    graph = "dwarf,16384" if options.graph == "dwarf" else "fp"
    watcher = subprocess.Popen(["perf", "record", "-q", "-e", event, "-F", str(HERTZ), "--call-graph", graph, "-o", data,
                                "-p", str(candidate.process.pid)], stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    seen = load.run(work, candidate.port, options.seconds)
    watcher.send_signal(signal.SIGINT)
    watcher.wait()
    done = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso"], capture_output=True, text=True)
    return stacks.from_perf(done.stdout, program(candidate)), seen


def count(candidate, work, load, options, place):
    """Instructions under callgrind, from the start of the load to its end. {stack: instructions}, requests."""
    pid = str(candidate.process.pid)
    subprocess.run(["callgrind_control", "--instr=on", pid], check=True, capture_output=True)
    seen = load.run(work.having(connections=min(work.connections, 8)), candidate.port, options.seconds)
    subprocess.run(["callgrind_control", "--instr=off", pid], check=True, capture_output=True)
    subprocess.run(["callgrind_control", "--dump", pid], check=True, capture_output=True)
    dumps = sorted(pathlib.Path(candidate.room.path).glob("callgrind.out*"))
    total = collections.Counter()
    for dump in dumps:
        total += stacks.from_callgrind(dump.read_text(errors="replace"), program(candidate))
    return total, seen


def program(candidate):
    return pathlib.Path(candidate.peer.path).resolve().name


class UnderCallgrind(Candidate):
    """A candidate that callgrind runs, counting nothing yet. Without its debug information, which valgrind may not understand."""

    def start(self):
        path, *rest = self.peer.command(self)
        bare = f"{self.room.path}/{program(self)}"
        subprocess.run(["objcopy", "--strip-debug", path, bare], check=True)
        self.began = time.monotonic()
        self.process = self.place.start(self.room, machine.PROXY_CORE, [
            "valgrind", "--tool=callgrind", "--instr-atstart=no", "--separate-threads=no",
            f"--callgrind-out-file={self.room.path}/callgrind.out", bare, *rest])


def write(options, counted, seen, unit):
    name = f"{options.row}-{options.peer}"
    options.output.mkdir(parents=True, exist_ok=True)
    everything = sum(counted.values())
    kinds, alone, whole = collections.Counter(), stacks.leaves(counted), stacks.inclusive(counted)
    for (_, kind), cost in alone.items():
        kinds[kind] += cost
    shares = ", ".join(f"{kind} {cost / everything:.1%}" for kind, cost in kinds.most_common())
    subtitle = f"{everything:,} {unit}, {seen.requests:,} requests; by itself: {shares}"
    flame.draw(options.output / f"{name}.svg", counted, f"{options.peer}: {ROWS[options.row].title}", subtitle)
    lines = [f"{options.peer}, {ROWS[options.row].title}", subtitle, ""]
    if options.peer == "outrider":
        lines += [", ".join(f"{feature} {stacks.share(counted, pattern):.1%}" for feature, pattern in WITHOUT_SWITCH.items()), ""]
    lines += ["  alone  with callees  kind     symbol"]
    lines += [f"{cost / everything:7.2%}  {whole[symbol] / everything:12.2%}  {symbol[1]:7}  {symbol[0]}"
              for symbol, cost in alone.most_common(TOP)]
    text = "\n".join(lines) + "\n"
    (options.output / f"{name}.txt").write_text(text)
    print(re.sub(r"(.{160}).+", r"\1…", text))
    print(f"{options.output / name}.svg")


def main(place):
    options = read_options()
    machine.prepare()
    event = usable_event() if options.tool != "callgrind" else None
    if not event and not shutil.which("valgrind"):
        sys.exit("neither perf nor valgrind can be used here: apt-get install -y linux-perf valgrind")
    certificate = certificates.make(place)
    upstream, load = Upstream(place, certificate), Load(place, certificate)
    peer, work = PEERS[options.peer](options), WORKS[options.row]
    bench = collections.namedtuple("Bench", "place upstream")(place, upstream)
    candidate = (Candidate if event else UnderCallgrind)(peer, work, bench)
    candidate.start()
    why = peer.missing(work) or probe.wait(candidate, load, upstream)
    if why:
        sys.exit(f"{options.peer} cannot be watched: {why}; its log ends:\n{tail(candidate.room)}")
    load.run(work, candidate.port, 1)
    counted, seen = record(candidate, work, load, options, event, place) if event else count(candidate, work, load, options, place)
    if not counted:
        sys.exit("nothing was recorded")
    write(options, counted, seen, f"samples of {event}" if event else "instructions")


if __name__ == "__main__":
    inside(main)
