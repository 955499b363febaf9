"""Bodies of any size at flat memory, and readers that are slow."""

import hashlib
import os
import socket
import subprocess
import threading
import time

from harness import WORK, Peak, Proxy, check, missing, nginx, note, port, rss, run, service, start, to, until, virtual_service, listens

GIB = 1 << 30


class Sink(threading.Thread):
    """An origin that hashes what is uploaded and answers with the hash; GET answers `size` bytes from a repeating block."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.block = os.urandom(1 << 20)
        self.sent = {}
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        file = client.makefile("rb", buffering=1 << 18)
        try:
            while True:
                line = file.readline()
                if not line:
                    return
                method, target, _ = line.decode().split()
                fields = {}
                while (field := file.readline()) not in (b"\r\n", b""):
                    key, value = field.decode("latin-1").split(":", 1)
                    fields[key.lower()] = value.strip()
                if method == "GET":
                    size = int(target.strip("/"))
                    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
                    left = size
                    while left:
                        part = memoryview(self.block)[: min(left, len(self.block))]
                        client.sendall(part)
                        left -= len(part)
                        self.sent[client.fileno()] = size - left
                    continue
                digest, total = hashlib.sha1(), 0
                if fields.get("transfer-encoding"):
                    while size := int(file.readline().split(b";")[0], 16):
                        left = size
                        while left:
                            part = file.read(min(left, 1 << 18))
                            digest.update(part)
                            left -= len(part)
                        total += size
                        file.readline()
                    file.readline()
                else:
                    left = total = int(fields.get("content-length", 0))
                    while left:
                        part = file.read(min(left, 1 << 18))
                        digest.update(part)
                        left -= len(part)
                body = f"{digest.hexdigest()} {total}\n".encode()
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        except (OSError, ValueError):
            pass
        finally:
            client.close()

    def digest(self, size):
        digest, left = hashlib.sha1(), size
        while left:
            part = self.block[: min(left, len(self.block))]
            digest.update(part)
            left -= len(part)
        return digest.hexdigest()


def large():
    if missing("curl"):
        return
    sink = Sink()
    proxy = Proxy({"sink.yaml": service("sink", [sink.port]), "web.yaml": virtual_service(to("sink"))})
    url = f"http://127.0.0.1:{proxy.port}"
    file = os.path.join(WORK, "gib")
    with open(file, "wb") as out:
        for _ in range(1024):
            out.write(sink.block)
    want = sink.digest(GIB)
    idle = rss(proxy.pid)

    def measured(title, command, right):
        peak = Peak(proxy.pid)
        began = time.time()
        output, code = run(command)
        highest = peak.stop()
        check(f"{title}: whole and at flat memory", code == 0 and right(output) and highest - idle < 20_000,
              f"peak {highest - idle} KiB above the idle {idle} KiB, {time.time() - began:.1f} s")

    measured("1 GiB up with a length", ["curl", "-sS", "-T", file, f"{url}/up"], lambda o: want in o)
    measured("1 GiB up in chunks", ["curl", "-sS", "-H", "Transfer-Encoding: chunked", "-T", file, f"{url}/up"],
             lambda o: want in o)
    measured("1 GiB down", ["bash", "-c", f"curl -sS {url}/{GIB} | sha1sum"], lambda o: want in o)
    measured("1 GiB both ways at once", ["bash", "-c", f"curl -sS -T {file} {url}/up & curl -sS {url}/{GIB} | sha1sum; wait"],
             lambda o: o.count(want) == 2)
    os.unlink(file)


def slow_readers():
    sink = Sink()
    proxy = Proxy({"sink.yaml": service("sink", [sink.port]), "web.yaml": virtual_service(to("sink"))})
    idle = rss(proxy.pid)
    size = 100 << 20

    def readers(count, seconds):
        clients = []
        for _ in range(count):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.connect(("127.0.0.1", proxy.port))
            client.sendall(b"GET /%d HTTP/1.1\r\nhost: a\r\n\r\n" % size)
            clients.append(client)
        peak = Peak(proxy.pid)
        end = time.time() + seconds
        while time.time() < end:
            for client in clients:
                client.setblocking(False)
                try:
                    client.recv(1024)
                except BlockingIOError:
                    pass
            time.sleep(0.1)
        highest = peak.stop()
        for client in clients:
            client.close()
        return highest - idle

    one = readers(1, 4)
    check("one reader of 10 KB/s holds a bounded buffer", one < 4_000, f"{one} KiB above idle {idle} KiB")
    many = readers(200, 6)
    check("200 of them too", many < 200 * 160, f"{many} KiB above idle, {many / 200:.0f} KiB each")
    time.sleep(2)
    check("what they held is given back", rss(proxy.pid) - idle < 12_000, f"{rss(proxy.pid) - idle} KiB above idle")
    status, body = proxy.get("/1000")
    check("and others are served", status == 200 and len(body) == 1000)
