"""Client connections that are kept and do nothing: each asked once. Run as a program it opens them and keeps them until its
input ends: as a process of their own they have its number of descriptors for themselves."""
import pathlib
import re
import socket
import subprocess
import sys

from .machine import HERE

SOURCES = [f"127.0.0.{last}" for last in range(2, 10)]
BATCH = 64


class Held:
    """So many of them, from several addresses, until the context ends."""

    def __init__(self, port, count, work):
        self.command = [sys.executable, "-B", "-m", "bench.holding", str(port), str(count), work.path, *work.headers]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "held":
            self.process.wait()
            raise ConnectionError("the idle connections could not be opened")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def open_all(port, count, request):
    found = []
    while len(found) < count:
        fresh = [socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(SOURCES[number % len(SOURCES)], 0))
                 for number in range(min(BATCH, count - len(found)))]
        for one in fresh:
            one.sendall(request)
        for one in fresh:
            read_answer(one)
        found += fresh
    return found


def read_answer(connection):
    """The answer's body; the connection is left for the next request."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I) if end else None
        if length and len(body) == int(length.group(1)):
            return body
        more = connection.recv(65536)
        if not more:
            raise ConnectionError(f"the answer ends early: {received[:200]}")
        received += more


def kernel_kib():
    """What the kernel holds in slabs (sockets, files) and buffers of TCP: of both ends, since both are on this machine."""
    slab = int(re.search(r"^Slab:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M).group(1))
    pages = int(re.search(r"^TCP:.* mem (\d+)", pathlib.Path("/proc/net/sockstat").read_text(), re.M).group(1))
    return slab + 4 * pages


def main(port, count, path, *headers):
    fields = "".join(f"{field}\r\n" for field in headers if not field.lower().startswith("host:"))
    held = open_all(int(port), int(count), f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n".encode())
    print("held", flush=True)
    sys.stdin.read()
    return held


if __name__ == "__main__":
    main(*sys.argv[1:])
