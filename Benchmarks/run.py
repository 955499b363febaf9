#!/usr/bin/env python3
"""What Outrider costs beside HAProxy, nginx, Envoy and a floor, in interleaved rounds. Benchmarks/README.md tells more.

Every proxy has one worker, pinned to one core; the load and the upstream share the other. Each does the same: routes by a
header to one of two groups of servers, counts, adds a request id and x-forwarded-for, writes no access log. Rounds are
interleaved and start with another candidate each time; medians and the ratio round by round are reported and appended to
RESULTS.md, with plots in plots/.

Before a row is measured, each candidate is asked by curl, and the upstream answers with what it saw. A proxy that does
something else is left out, with a line that says why; a bad answer or a socket error under load fails the run. Uses 127.0.0.1
and free ports; starts and ends only its own processes.
"""
import argparse
import collections
import pathlib
import shutil
import statistics
import sys
import time

sys.dont_write_bytecode = True  # no __pycache__ in the work tree

from bench import certificates, machine, plots, report, verdict
from bench.load import Load
from bench.peers import PEERS
from bench.place import inside
from bench.rows import ROWS
from bench.upstream import Upstream

TOOLS = {"wrk": "wrk", "h2load": "nghttp2-client", "nghttpd": "nghttp2-server", "nginx": "nginx", "curl": "curl",
         "openssl": "openssl", "taskset": "util-linux", "cc": "gcc"}
RESULTS = machine.HERE / "RESULTS.md"
Bench = collections.namedtuple("Bench", "place upstream load peers options")


def names(known):
    def parse(text):
        chosen = [name for name in text.split(",") if name]
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(f"not {', '.join(unknown) or 'empty'}; there are: {', '.join(known)}")
        return chosen
    return parse


def read_options():
    listed = "\n".join(f"  {row.name:12} {row.title}" for row in ROWS.values())
    parser = argparse.ArgumentParser(description=__doc__, epilog=f"rows:\n{listed}",
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=names(ROWS), default=list(ROWS), metavar="NAME,…", help="these rows, not all")
    parser.add_argument("--peers", type=names(PEERS), default=list(PEERS), metavar="NAME,…",
                        help=f"these candidates, not all of {', '.join(PEERS)}")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 0.4 s instead of 7 of 2 s: all rows within five minutes")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of a turn")
    parser.add_argument("--binary", default=str(machine.ROOT / ".build/release/outrider"), help="Outrider's")
    parser.add_argument("--plots", type=pathlib.Path, metavar="DIR", help="draw plots of these rows there; a run of all rows draws "
                        "plots/ anew, others draw none")
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md and plots/ as they are")
    parser.add_argument("--max-ratio", type=float, help="exit with 1 when Outrider / HAProxy is above this in any row")
    options = parser.parse_args()
    options.draws = options.plots or (not options.no_write and options.only == list(ROWS))
    options.rounds = options.rounds or (2 if options.quick else 7)
    options.seconds = options.seconds or (0.4 if options.quick else 2)
    options.warm, options.attempts = (0.2, 3) if options.quick else (1, 5)
    options.repeats = 30 if options.quick else 10_000  # of turns that were disturbed, in the whole run
    return options


def check_machine():
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        sys.exit(f"apt-get install -y {' '.join(missing)}")
    if len(machine.CORES) < 2:
        sys.exit("needs two cores: one for the proxy, one for the load")


def too_dear(section, most):
    ratios = section.values.get("/haproxy")
    ratio = statistics.median(ratios) if ratios else 0
    return [f"{section.title}: Outrider / HAProxy is {ratio:.2f}, above {most}"] if most and ratio > most else []


def main(place):
    options = read_options()
    check_machine()
    machine.prepare()
    certificate = certificates.make(place)
    bench = Bench(place, Upstream(place, certificate), Load(place, certificate), [PEERS[name](options) for name in options.peers],
                  options)
    began, text, sections = time.monotonic(), report.heading(options, sys.argv[1:]), {}
    for row in (ROWS[name] for name in options.only):
        print(f"{row.name}: {row.title}", flush=True)
        if not row.chosen(bench):
            print("  none of the chosen peers takes part\n", flush=True)
            continue
        section = sections[row.name] = row.run(bench)
        print("\n".join(section.lines) + f"\n({time.monotonic() - began:.0f} s so far)\n", flush=True)
        text += [f"### {section.title}", "", *section.lines, ""]
    reached = verdict.table(sections)
    if reached:
        print("\n".join(["Verdict", *reached]), flush=True)
        text += ["### Verdict", "", *reached, ""]
    if options.draws:
        text += plots.links(plots.draw(sections.values(), options.plots or plots.PLACE))
    if not options.no_write:
        before = RESULTS.read_text().rstrip() if RESULTS.exists() else "# Results"
        RESULTS.write_text(before + "\n\n" + "\n".join(text))
    faults = [fault for section in sections.values() for fault in [*section.faults, *too_dear(section, options.max_ratio)]]
    if faults:
        sys.exit("\n".join(faults))


if __name__ == "__main__":
    inside(main)
