"""The machine: cores, ports, processes, the CPU and memory that they took."""
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent
ROOT = HERE.parent
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
TICKS = os.sysconf("SC_CLK_TCK")


class Workplace:
    """A temporary directory and the processes that were started in it; both end with it."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="outrider-bench-")
        os.chmod(self.path, 0o755)  # the workers of nginx are not root
        self.started = []

    def write(self, name, text):
        path = pathlib.Path(self.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def fill(self, template, name, **values):
        """A file made from configs/TEMPLATE, each @KEY@ replaced. Values may hold keys themselves."""
        text = (HERE / "configs" / template).read_text()
        for key, value in [*values.items(), ("WORK", self.path)]:
            text = text.replace(f"@{key}@", str(value))
        return self.write(name, text)

    def start(self, name, core, command):
        log = open(f"{self.path}/{name}.log", "wb")
        process = subprocess.Popen(["taskset", "-c", core, *command], stdout=log, stderr=log, cwd=self.path)
        self.started.append(process)
        return process

    def log(self, name, characters=1500):
        return pathlib.Path(f"{self.path}/{name}.log").read_text(errors="replace")[-characters:]

    def stop(self, *processes):
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.started.remove(process)

    def end(self):
        self.stop(*list(self.started))
        shutil.rmtree(self.path, ignore_errors=True)


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
    """User and system seconds of a process tree so far, all threads included."""
    user = system = 0
    for one in descendants(pid):
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        system += int(fields[12])
    return user / TICKS, system / TICKS


def stolen_seconds(core):
    """What the hypervisor took of a core so far: it is charged to whoever ran, as system time mostly."""
    match = re.search(rf"^cpu{core} (.*)", pathlib.Path("/proc/stat").read_text(), re.M)
    return int(match.group(1).split()[7]) / TICKS if match else 0.0


def memory_kib(pid, field):
    """The sum of one line of /proc/PID/status over the process tree."""
    total = 0
    for one in descendants(pid):
        match = re.search(rf"^{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{one}/status").read_text(), re.M)
        total += int(match.group(1)) if match else 0
    return total


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
