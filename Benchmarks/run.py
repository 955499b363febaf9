#!/usr/bin/env python3
"""CPU per request of Outrider beside HAProxy, nginx, Envoy and a floor, in interleaved rounds.

Every proxy has one worker, pinned to one core; the load and the nginx upstream share the other. Each does the same: routes by
a header to one of two groups of servers, counts, adds a request id and x-forwarded-for, writes no access log. What is measured
is user + system time of the proxy's processes (/proc/PID/stat, threads included), divided by the requests that the load
generator saw answered: steadier than throughput on shared cores. Rounds are interleaved and start with another candidate each
time; medians and the ratio round by round are reported and appended to RESULTS.md.

    Benchmarks/run.py [--only ROW,…] [--peers NAME,…] [--quick] [--rounds N] [--seconds S] [--binary PATH] [--no-write]

Before a row is measured, each candidate is asked once by curl, and the upstream answers with what it saw: group, protocol, TLS
version and suite, request id, x-forwarded-for. A proxy that does something else is left out, with a line that says why; a bad
answer or a socket error under load fails the run. Uses 127.0.0.1 and free ports; starts and ends only its own processes.
Needs wrk, h2load, nginx, haproxy, curl, openssl, taskset, cc and libssl's headers; Envoy where there is one.
"""
import argparse
import shutil
import signal
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the work tree

from bench import machine, report
from bench.load import Load
from bench.measure import Measure
from bench.peers import PEERS
from bench.rows import ROWS
from bench.upstream import Upstream, make_certificate

TOOLS = {"wrk": "wrk", "h2load": "nghttp2-client", "nginx": "nginx", "curl": "curl", "openssl": "openssl",
         "taskset": "util-linux", "cc": "gcc"}
RESULTS = machine.HERE / "RESULTS.md"


def names(known):
    def parse(text):
        chosen = [name for name in text.split(",") if name]
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(f"not {', '.join(unknown) or 'empty'}; there are: {', '.join(known)}")
        return chosen
    return parse


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], epilog="rows: " + ", ".join(ROWS))
    parser.add_argument("--only", type=names(ROWS), default=list(ROWS), metavar="ROW,…", help="these rows, not all")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), metavar="NAME,…",
                        help=f"these candidates, not all of {', '.join(PEERS)}")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 2 seconds instead of 7 of 4")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--binary", default=str(machine.ROOT / ".build/release/outrider"), help="Outrider's")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    parser.add_argument("--max-ratio", type=float, help="exit with 1 when Outrider / HAProxy is above this in any row")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (2 if options.quick else 4)
    return options


def main(place):
    options = read_options()
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        sys.exit(f"apt-get install -y {' '.join(missing)}")
    if len(machine.CORES) < 2:
        sys.exit("needs two cores: one for the proxy, one for the load")
    certificate = make_certificate(place)
    upstream = Upstream(place, certificate)
    load = Load(place, certificate)
    if any(ROWS[name].tool == "connect" for name in options.only):
        load.build()
    peers = [PEERS[name](options) for name in options.peers]

    text, faults = report.heading(options, sys.argv[1:]), []
    for row in (ROWS[name] for name in options.only):
        print(f"{row.name}: {row.title}", flush=True)
        measure = Measure(row, peers, place, upstream, load, options)
        measure.run()
        lines = report.table(measure)
        print("\n".join(lines) + "\n", flush=True)
        text += [f"### {row.title}", "", *lines, ""]
        faults += [f"{row.name}: {name}: {why}" for name, why in measure.failed.items()]
        ratio = report.median_ratio(measure, "outrider", "haproxy")
        if options.max_ratio and ratio and ratio > options.max_ratio:
            faults.append(f"{row.name}: Outrider / HAProxy is {ratio:.2f}, above {options.max_ratio}")
    if not options.no_write:
        before = RESULTS.read_text().rstrip() if RESULTS.exists() else "# Results"
        RESULTS.write_text(before + "\n\n" + "\n".join(text))
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    workplace = machine.Workplace()
    try:
        main(workplace)
    finally:
        workplace.end()
