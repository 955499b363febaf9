"""The machine: its cores, its ports, the CPU and memory that processes take."""
import itertools
import os
import pathlib
import platform
import random
import re
import resource
import socket
import subprocess

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
TICKS = os.sysconf("SC_CLK_TCK")
FILES_WANTED = 65536
PORTS = itertools.cycle(random.sample(range(16384, 32768), 16384))


def prepare():
    """Descriptors enough for 10,000 connections and their other ends; this process out of the proxy's way."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, FILES_WANTED), hard))
    os.sched_setaffinity(0, {CORES[-1]})


def proxy_cores(workers):
    """Where a proxy with so many workers runs: cores of its own where there are enough, else all, with the load's."""
    return PROXY_CORE if workers == 1 else ",".join(map(str, CORES[:workers]))


def shares_cores(workers):
    return workers >= len(CORES)


def free_ports(count):
    """Ports that are free now, all different, and of those that the system gives to no outgoing connection."""
    found = []
    while len(found) < count:
        port = next(PORTS)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
                found.append(port)
            except OSError:
                continue
    return found


def descendants(pid):
    """A process and all its children, deep."""
    found = [pid]
    for current in found:
        for task in pathlib.Path(f"/proc/{current}/task").glob("*"):
            try:
                found += [int(child) for child in pathlib.Path(task, "children").read_text().split()]
            except OSError:
                continue
    return found


def tasks(pid):
    """The directories in /proc of every thread of a process tree."""
    return [task for one in descendants(pid) for task in pathlib.Path(f"/proc/{one}/task").glob("*")]


class CPU:
    """Seconds of a process tree so far, threads and ended children included.

    The scheduler counts nanoseconds (schedstat); user and system are told apart in ticks of 10 ms (stat), which sum up to the
    same. So `total` is exact also for short turns and `user` is the share that the ticks say."""

    def __init__(self, pid):
        # An ended child is only in the ticks of its parent: a reloading proxy replaces its workers.
        ended = stat(pid, 13) + stat(pid, 14)
        self.total = sum(scheduled(task) for task in tasks(pid)) + ended
        self.user = sum(stat(one, 11) for one in descendants(pid)) + stat(pid, 13)
        self.system = sum(stat(one, 12) for one in descendants(pid)) + stat(pid, 14)

    def since(self, earlier):
        """(total, user) seconds."""
        total, user, system = self.total - earlier.total, self.user - earlier.user, self.system - earlier.system
        return total, total * user / (user + system) if user + system else 0.0


def stat(pid, field):
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[field]) / TICKS
    except OSError:
        return 0.0


def scheduled(task):
    try:
        return int(pathlib.Path(task, "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return 0.0


def switches(pid):
    """{(pid/task, name): voluntary context switches}: how often each thread went to sleep, so how often it woke."""
    found = {}
    for task in tasks(pid):
        try:
            text = pathlib.Path(task, "status").read_text()
        except OSError:
            continue
        found[task.name, line(text, "Name")] = int(line(text, "voluntary_ctxt_switches"))
    return found


def line(text, name):
    return re.search(rf"^{name}:\s+(\S+)", text, re.M).group(1)


def stolen_seconds(core):
    """What the hypervisor took of a core so far: it is charged to whoever ran, as system time mostly."""
    match = re.search(rf"^cpu{core} (.*)", pathlib.Path("/proc/stat").read_text(), re.M)
    return int(match.group(1).split()[7]) / TICKS if match else 0.0


def memory_kib(pid):
    """(resident, of which anonymous) of a process tree."""
    found = [0, 0]
    for one in descendants(pid):
        try:
            text = pathlib.Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        for at, field in enumerate(("VmRSS", "RssAnon")):
            match = re.search(rf"^{field}:\s+(\d+) kB", text, re.M)
            found[at] += int(match.group(1)) if match else 0
    return tuple(found)


def version_of(*command):
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"\d+\.\d+(\.\d+)?", output.stdout + output.stderr)
    return match.group(0) if match else ""


def description():
    match = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{match.group(1) if match else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
