#!/usr/bin/env python3
"""CPU per request of Outrider beside HAProxy, nginx and a floor, in one interleaved run.

Every proxy has one worker, pinned to one core; wrk and the nginx upstream share the other. Each does the same: routes by a
header to one of two groups of servers, counts, adds a request id and x-forwarded-for, writes no access log. What is measured
is user + system time of the proxy's process (/proc/PID/stat), divided by the requests that wrk saw answered: steadier than
throughput on shared cores. Rounds are interleaved and start with another candidate each time; medians and the ratio to
HAProxy round by round are reported, and written to RESULTS.md.

    Benchmarks/run.py [--quick] [--peers] [--rounds N] [--seconds S] [--workload NAME]... [--binary PATH] [--no-write]

Uses 127.0.0.1 and free ports; starts and ends only its own processes. Needs wrk, nginx, haproxy, taskset, cc.
"""
import argparse
import datetime
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
BODY = "x" * 68 + "\n"
LARGE_BYTES = 1024 * 1024
WORKLOADS = {
    # name: (what it is, path, extra headers, connections)
    "keepalive": ("HTTP/1.1 keep-alive, 69-byte body, 64 connections", "/small", [], 64),
    "close": ("a new connection per request, 69-byte body, 64 clients", "/small", ["Connection: close"], 64),
    "large": ("HTTP/1.1 keep-alive, 1 MiB body, 8 connections", "/large", [], 8),
}


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def descendants(pid):
    """A process and all its children, deep."""
    found = [pid]
    for current in found:
        try:
            text = pathlib.Path(f"/proc/{current}/task/{current}/children").read_text()
        except OSError:
            continue
        found += [int(child) for child in text.split()]
    return found


def cpu_seconds(pid):
    """User and system seconds of a process tree so far."""
    user = system = 0
    for one in descendants(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        system += int(fields[12])
    ticks = os.sysconf("SC_CLK_TCK")
    return user / ticks, system / ticks


def memory_kib(pid, field):
    """The sum of one line of /proc/PID/status over the process tree."""
    total = 0
    for one in descendants(pid):
        text = pathlib.Path(f"/proc/{one}/status").read_text()
        match = re.search(rf"^{field}:\s+(\d+) kB", text, re.M)
        total += int(match.group(1)) if match else 0
    return total


class Candidate:
    """One proxy: its process, pinned, and the port where it listens."""

    def __init__(self, name, command, port, version="", environment=None):
        self.name, self.port, self.version = name, port, version
        log = open(f"{WORK}/{name}.log", "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", PROXY_CORE, *command], stdout=log, stderr=log, env={**os.environ, **(environment or {})})
        STARTED.append(self.process)

    def wait(self):
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                    one.sendall(b"GET /small HTTP/1.1\r\nHost: bench\r\nx-version: v2\r\nConnection: close\r\n\r\n")
                    if one.recv(64).startswith(b"HTTP/1.1 200"):
                        return True
            except OSError:
                pass
            time.sleep(0.05)
        log = pathlib.Path(f"{WORK}/{self.name}.log").read_text(errors="replace")
        print(f"{self.name} does not answer; its log ends:\n{log[-1500:]}", file=sys.stderr)
        return False


def fill(template, **values):
    text = (HERE / "configs" / template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    return text


def version_of(*command):
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+\.\d+(\.\d+)?", output.stdout + output.stderr)
    return match.group(0) if match else ""


def start_upstream():
    """nginx with two servers, one for each version; answers from memory."""
    ports = free_ports(2)
    pathlib.Path(f"{WORK}/large").write_bytes(b"y" * LARGE_BYTES)
    conf = pathlib.Path(f"{WORK}/upstream.conf")
    conf.write_text(fill("upstream.conf", WORK=WORK, V1=ports[0], V2=ports[1], BODY=BODY.strip()))
    log = open(f"{WORK}/upstream.log", "wb")
    STARTED.append(subprocess.Popen(
        ["taskset", "-c", LOAD_CORE, "nginx", "-p", WORK, "-c", str(conf)], stdout=log, stderr=log))
    return ports


def start_candidates(options, upstream):
    v1, v2 = upstream
    found = []

    def write(name, text):
        path = pathlib.Path(f"{WORK}/{name}")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    floor = f"{WORK}/floor"
    subprocess.run(["cc", "-O2", "-o", floor, str(HERE / "floor.c")], check=True)
    port, = free_ports(1)
    found.append(Candidate("floor", [floor, str(port), str(v2)], port))
    if shutil.which("haproxy"):
        port, = free_ports(1)
        conf = write("haproxy.cfg", fill("haproxy.cfg", PORT=port, V1=v1, V2=v2))
        found.append(Candidate("haproxy", ["haproxy", "-db", "-f", conf], port, version_of("haproxy", "-v")))
    if shutil.which("nginx"):
        port, = free_ports(1)
        conf = write("nginx.conf", fill("nginx.conf", WORK=WORK, PORT=port, V1=v1, V2=v2))
        found.append(Candidate("nginx", ["nginx", "-p", WORK, "-c", conf], port, version_of("nginx", "-v")))
    if not options.peers:
        if os.access(options.binary, os.X_OK):
            port, admin = free_ports(2)
            write("outrider/bench.yaml", fill("outrider.yaml", PORT=port, ADMIN=admin, V1=v1, V2=v2))
            found.append(Candidate("outrider", [options.binary, "run", "--config", f"{WORK}/outrider"], port))
        else:
            print(f"no binary at {options.binary}: build one (`make release`) or name it by --binary", file=sys.stderr)
    return [one for one in found if one.wait()]


def load(port, workload, seconds):
    """Runs wrk once. Requests answered, and how many of them badly."""
    _, path, headers, connections = WORKLOADS[workload]
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-H", "x-version: v2"]
    for header in headers:
        command += ["-H", header]
    output = subprocess.run(command + [f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True).stdout
    requests = re.search(r"(\d+) requests in", output)
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    # Without keep-alive wrk counts the server's close as a read error of a request that it saw answered.
    failed = sum(int(one) for one in errors.groups()) if errors and workload != "close" else 0
    return int(requests.group(1)) if requests else 0, (int(bad.group(1)) if bad else 0) + failed


def measured(candidate, workload, seconds):
    """One turn: microseconds a request, user microseconds a request, requests a second."""
    for _ in range(5):
        user, system = cpu_seconds(candidate.process.pid)
        began = time.monotonic()
        requests, bad = load(candidate.port, workload, seconds)
        elapsed = time.monotonic() - began
        user2, system2 = cpu_seconds(candidate.process.pid)
        if bad:
            print(f"  {candidate.name}: {bad} of {requests} requests went wrong", file=sys.stderr)
        # Ticks are 10 ms: a turn that the machine gave no time to says nothing and is repeated.
        if requests >= 100 and user2 + system2 > user + system:
            return (user2 - user + system2 - system) * 1e6 / requests, (user2 - user) * 1e6 / requests, requests / elapsed
    sys.exit(f"{candidate.name} gets no time to answer; is the machine busy?")


def measure(candidates, workload, options):
    """{name: [(microseconds, user microseconds, requests a second)]}, a value each round."""
    results = {one.name: [] for one in candidates}
    for one in candidates:
        load(one.port, workload, 1)  # warm-up: pools filled, pages touched
    for number in range(options.rounds):
        turn = number % len(candidates)
        line = []
        for one in candidates[turn:] + candidates[:turn]:
            total, user, rate = measured(one, workload, options.seconds)
            results[one.name].append((total, user, rate))
            line.append(f"{one.name} {total:.1f}")
        print(f"  round {number + 1}: " + ", ".join(line) + " µs/request", flush=True)
    return results


def table(candidates, results, idle):
    """The report's rows: medians, and the median of the ratios round by round."""
    rows = ["| proxy | CPU per request | of which user | ratio to HAProxy | ratio to floor | requests/s | RSS idle (anonymous) |",
            "|---|---|---|---|---|---|---|"]
    ratios = {}

    def ratio(name, to):
        if to not in results:
            return "–"
        pairs = [mine[0] / max(theirs[0], 1e-9) for mine, theirs in zip(results[name], results[to])]
        ratios[name, to] = statistics.median(pairs)
        return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f})"

    for one in candidates:
        values = results[one.name]
        total, user, rate = (statistics.median(column) for column in zip(*values))
        rss, anonymous = idle[one.name]
        rows.append(f"| {one.name} {one.version} | {total:.1f} µs | {user:.1f} µs | {ratio(one.name, 'haproxy')} | "
                    f"{ratio(one.name, 'floor')} | {rate:,.0f} | {rss / 1024:.1f} MB ({anonymous / 1024:.1f}) |")
    return rows, ratios


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", text)
    return f"{model.group(1) if model else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds of 2 seconds")
    parser.add_argument("--peers", action="store_true", help="only the others, not Outrider")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--seconds", type=int, default=None)
    parser.add_argument("--workload", action="append", choices=list(WORKLOADS))
    parser.add_argument("--binary", default=str(ROOT / ".build/release/outrider"))
    parser.add_argument("--no-write", action="store_true", help="leave RESULTS.md as it is")
    parser.add_argument("--max-ratio", type=float, help="exit with 1 when Outrider / HAProxy is above this (keep-alive)")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 7)
    options.seconds = options.seconds or (2 if options.quick else 4)
    workloads = options.workload or ["keepalive"]
    missing = [tool for tool in ("wrk", "nginx", "taskset", "cc") if not shutil.which(tool)]
    if missing:
        sys.exit(f"needs {', '.join(missing)}: apt-get install -y wrk nginx haproxy gcc util-linux")

    upstream = start_upstream()
    candidates = start_candidates(options, upstream)
    time.sleep(1)
    idle = {one.name: (memory_kib(one.process.pid, "VmRSS"), memory_kib(one.process.pid, "RssAnon"))
            for one in candidates}
    arguments = " ".join(sys.argv[1:])
    report = ["# Results", "",
              f"{datetime.date.today()}, {machine()}. Command: `Benchmarks/run.py {arguments}`".rstrip() + ".", "",
              f"{options.rounds} interleaved rounds of {options.seconds} s; medians; ratios round by round, median "
              "(lowest–highest). One worker each, pinned to one core; wrk and the nginx upstream on the other.", ""]
    worst = 0.0
    for workload in workloads:
        title = WORKLOADS[workload][0]
        print(title, flush=True)
        rows, ratios = table(candidates, measure(candidates, workload, options), idle)
        if workload == "keepalive":
            worst = ratios.get(("outrider", "haproxy"), 0.0)
        report += [f"## {title}", "", *rows, ""]
        print("\n".join(rows), flush=True)
    if not options.no_write:
        (HERE / "RESULTS.md").write_text("\n".join(report))
    if options.max_ratio and worst > options.max_ratio:
        sys.exit(f"Outrider / HAProxy is {worst:.2f}, above {options.max_ratio}")


def stop_all():
    for process in STARTED:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in STARTED:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
    shutil.rmtree(WORK, ignore_errors=True)


STARTED = []
cores = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = str(cores[0]), str(cores[-1])

if __name__ == "__main__":
    WORK = tempfile.mkdtemp(prefix="outrider-bench-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    finally:
        stop_all()
