"""What every acceptance check needs: processes that end with the check, free ports, a proxy, origins, and numbers about a process."""

import atexit
import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import textwrap
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BINARY = os.environ.get("OUTRIDER_BINARY", os.path.join(ROOT, ".build", "release", "outrider"))
SHARED = os.path.join(os.path.dirname(os.path.dirname(ROOT)), "shared")
WORK = tempfile.mkdtemp(prefix="outrider-accept-")
os.chmod(WORK, 0o755)  # nginx's workers are somebody else and read files below it.
CHILDREN = []
RESULTS = []
_current = ""


@atexit.register
def _cleanup():
    for child in reversed(CHILDREN):
        stop(child, signal.SIGKILL)
    shutil.rmtree(WORK, ignore_errors=True)


def begin(name):
    global _current
    _current = name
    print(f"== {name}", flush=True)


def check(sentence, holds, measured=""):
    """One line of the verdict."""
    RESULTS.append((_current, sentence, bool(holds)))
    print(f"{'PASS' if holds else 'FAIL'}  {sentence}{': ' if measured != '' else ''}{measured}", flush=True)
    return holds


def note(text):
    print(f"      {text}", flush=True)


def missing(*tools):
    """Says which tools are not there, so that the check can be skipped."""
    gone = [tool for tool in tools if shutil.which(tool) is None]
    if gone:
        note(f"SKIP: {', '.join(gone)} not installed")
    return bool(gone)


# ---------------------------------------------------------------- processes

def start(arguments, log=None, **options):
    out = open(log or os.path.join(WORK, f"{os.path.basename(arguments[0])}-{len(CHILDREN)}.log"), "wb")
    child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                             start_new_session=True, **options)
    child.log = out.name
    CHILDREN.append(child)
    return child


def stop(child, by=signal.SIGTERM, wait=10):
    """Ends a child and what it started; its exit status."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, by) if by == signal.SIGKILL else child.send_signal(by)
        except ProcessLookupError:
            pass
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait(5)
    if child in CHILDREN:
        CHILDREN.remove(child)
    return child.returncode


def run(arguments, timeout=120, **options):
    """Output (both streams) and status of a command."""
    done = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, **options)
    return done.stdout.decode("utf-8", "replace"), done.returncode


_ports = set()


def port():
    """A TCP port that nobody listens on, below those that outgoing connections take."""
    while True:
        number = random.randint(20000, 32000)
        if number in _ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                continue
        _ports.add(number)
        return number


def until(condition, seconds=10, every=0.02):
    """Waits for a condition; its last value."""
    end = time.time() + seconds
    while True:
        value = condition()
        if value or time.time() > end:
            return value
        time.sleep(every)


def listens(number, host="127.0.0.1"):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, number)) == 0


# ---------------------------------------------------------------- numbers about a process

def status(pid, key):
    """A line of /proc/PID/status in KiB."""
    with open(f"/proc/{pid}/status") as lines:
        for line in lines:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def rss(pid):
    return status(pid, "VmRSS")


def anonymous(pid):
    return status(pid, "RssAnon")


def cpu(pid):
    """CPU ticks (1/100 s) of a process."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Peak(threading.Thread):
    """The highest RSS of a process while it is sampled every 100 ms."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.ended, self.highest = pid, threading.Event(), rss(pid)
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            try:
                self.highest = max(self.highest, rss(self.pid))
            except OSError:
                return

    def stop(self):
        self.ended.set()
        self.join()
        return self.highest


# ---------------------------------------------------------------- origins

def nginx(servers, log=None):
    """An nginx with the given server blocks' bodies, one per port: {port: body}."""
    base = tempfile.mkdtemp(dir=WORK)
    path = os.path.join(base, "nginx.conf")
    blocks = "\n".join(f"server {{ listen 127.0.0.1:{number}; {body} }}" for number, body in servers.items())
    with open(path, "w") as file:
        file.write(f"""
daemon off; worker_processes 1; pid {base}/pid; error_log {base}/error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s; client_max_body_size 0;
  client_body_temp_path {base}/b; proxy_temp_path {base}/p; fastcgi_temp_path {base}/f; uwsgi_temp_path {base}/u;
  scgi_temp_path {base}/s;
  {blocks}
}}
""")
    child = start(["nginx", "-c", path, "-p", base, "-e", f"{base}/error.log"])
    for number in servers:
        if not until(lambda: listens(number)):
            raise RuntimeError("nginx does not start: " + open(child.log).read() + open(f"{base}/error.log").read())
    return child


# ---------------------------------------------------------------- the proxy

GATEWAY = """
apiVersion: outrider.dev/v1alpha1
kind: Proxy
metadata: {{name: ingress, namespace: workshop, labels: {{istio: ingressgateway}}}}
spec:
  mode: gateway
  workers: {workers}
  admin: {{address: "{admin}"}}
  listen:
  - {{port: 80, address: "127.0.0.1:{listen}"}}
{spec}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: web, namespace: workshop}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 80, name: http, protocol: HTTP}}
    hosts: ["*"]
"""


def service(name, ports, labels=None, resolution="STATIC"):
    """A ServiceEntry whose endpoints are programs on the loopback. labels: one dictionary an endpoint."""
    lines = [f"""
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: workshop}}
spec:
  hosts: [{name}.internal]
  location: MESH_INTERNAL
  resolution: {resolution}
  ports:
  - {{number: 80, name: http, protocol: HTTP}}
  endpoints:"""]
    for index, number in enumerate(ports):
        text = f"  - {{address: 127.0.0.1, ports: {{http: {number}}}"
        if labels:
            text += ", labels: {" + ", ".join(f"{k}: {v}" for k, v in labels[index].items()) + "}"
        lines.append(text + "}")
    return "\n".join(lines) + "\n"


def virtual_service(http, name="web"):
    """A VirtualService on the gateway for all hosts; `http` is the YAML of its rules."""
    return f"""
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: workshop}}
spec:
  hosts: ["*"]
  gateways: [web]
  http:
""" + textwrap.indent(textwrap.dedent(http).strip("\n"), "  ") + "\n"


def to(name):
    return f"- route:\n  - destination: {{host: {name}.internal, port: {{number: 80}}}}\n"


class Proxy:
    """A running gateway with a directory of its own."""

    def __init__(self, files, workers=1, spec="", shell="", admin=None, listen=None, wait=True):
        self.directory = tempfile.mkdtemp(dir=WORK, prefix="config-")
        self.port, self.admin = listen or port(), port()
        self.admin_path = admin
        address = admin or f"127.0.0.1:{self.admin}"
        self.write("gateway.yaml", GATEWAY.format(workers=workers, admin=address, listen=self.port, spec=spec))
        for name, text in files.items():
            self.write(name, text)
        self.launch(shell, wait)

    def launch(self, shell="", wait=True):
        command = [BINARY, "run", "--config", self.directory, "--state", "none"]
        began = time.time()
        if shell:
            self.child = start(["bash", "-c", f'{shell}; exec "$0" "$@"'] + command)
        else:
            self.child = start(command)
        self.pid = self.child.pid
        if wait and not until(self.ready, 30):
            raise RuntimeError("the proxy does not become ready:\n" + self.log())
        self.start_seconds = time.time() - began

    def write(self, name, text, atomically=True):
        path = os.path.join(self.directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        target = os.path.join(os.path.dirname(path), "." + os.path.basename(path) + ".new") if atomically else path
        with open(target, "w") as file:
            file.write(text)
        if atomically:
            os.rename(target, path)

    def delete(self, name):
        os.unlink(os.path.join(self.directory, name))

    def ask(self, path, method="GET"):
        """An admin page: (status, text)."""
        if self.admin_path:
            connection = http.client.HTTPConnection("localhost", timeout=20)
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(self.admin_path.removeprefix("unix://"))
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=20)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, text

    def ready(self):
        if self.child.poll() is not None:
            return False
        try:
            return self.ask("/ready")[0] == 200
        except OSError:
            return False

    def generation(self):
        found = re.search(r"(?i)generation\D*(\d+)", self.ask("/generation")[1])
        return int(found.group(1)) if found else 0

    def get(self, path="/", headers=None, method="GET", body=None, timeout=20):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text

    def log(self):
        return open(self.child.log, errors="replace").read()

    def alive(self):
        return self.child.poll() is None

    def stop(self, by=signal.SIGTERM):
        return stop(self.child, by)


# ---------------------------------------------------------------- load

def wrk(url, seconds, connections=16, threads=1, *extra):
    """wrk's numbers: {requests, failed (sockets and statuses), p50, p99 in ms, max in ms, text}."""
    text, _ = run(["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--latency", *extra, url],
                  timeout=seconds + 60)
    return wrk_numbers(text)


def wrk_start(url, seconds, connections=16, threads=1):
    return start(["wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds}s", "--latency", url])


def wrk_wait(child, seconds=120):
    child.wait(seconds)
    if child in CHILDREN:
        CHILDREN.remove(child)
    return wrk_numbers(open(child.log).read())


def wrk_numbers(text):
    def milliseconds(value):
        found = re.match(r"([\d.]+)(us|ms|s|m)", value)
        return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[found[2]]
    def find(pattern):
        found = re.search(pattern, text)
        return found.group(1) if found else None
    numbers = {"text": text, "requests": int(find(r"(\d+) requests in") or 0), "failed": 0}
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    numbers["sockets"] = sum(map(int, sockets.groups())) if sockets else 0
    numbers["statuses"] = int(find(r"Non-2xx or 3xx responses: (\d+)") or 0)
    numbers["failed"] = numbers["sockets"] + numbers["statuses"]
    for key, pattern in (("p50", r"50%\s+(\S+)"), ("p99", r"99%\s+(\S+)"), ("max", r"Latency\s+\S+\s+\S+\s+(\S+)")):
        value = find(pattern)
        numbers[key] = milliseconds(value) if value else 0.0
    return numbers


def raw(number, data, seconds=2, host="127.0.0.1", end=None):
    """Sends bytes and reads until the peer closes, `end` has arrived, or nothing comes for a time: (bytes, closed)."""
    with socket.create_connection((host, number), timeout=seconds) as client:
        client.settimeout(seconds)
        got, closed = b"", False
        try:
            client.sendall(data)
        except OSError:
            pass
        try:
            while True:
                part = client.recv(65536)
                if not part:
                    closed = True
                    break
                got += part
                if end and end in got:
                    break
        except OSError as error:
            closed = isinstance(error, ConnectionError)
        return got, closed
