"""The independent HTTP/1 vectors through the running proxy, with an origin that records every byte."""

import base64
import json
import os
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness import SHARED, Proxy, check, note, service, to, virtual_service

FIELD = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[ \t]*([\x21-\x7e\x80-\xff]([\x20-\x7e\t\x80-\xff]*[\x21-\x7e\x80-\xff])?)?[ \t]*$")
LINE = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]$")


class Recorder(threading.Thread):
    """Reads requests strictly; says per connection how many were complete and what was unclean."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.seen = []     # (method, target) of complete requests
        self.unclean = []  # sentences
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            client.settimeout(20)
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        data = b""

        def more():
            nonlocal data
            part = client.recv(65536)
            if not part:
                raise EOFError
            data += part

        try:
            while True:
                while b"\r\n\r\n" not in data:
                    more()
                head, data = data.split(b"\r\n\r\n", 1)
                lines = head.split(b"\r\n")
                self._inspect(head, lines)
                fields = [line.split(b":", 1) for line in lines[1:] if b":" in line]
                value = lambda name: [v.strip() for k, v in fields if k.lower() == name]
                if value(b"transfer-encoding"):
                    while True:
                        while b"\r\n" not in data:
                            more()
                        line, data = data.split(b"\r\n", 1)
                        if not re.fullmatch(rb"[0-9a-fA-F]{1,16}(;[\x20-\x7e\t\x80-\xff]*)?", line):
                            self.unclean.append(f"chunk line {line!r}")
                            return
                        size = int(line.split(b";")[0], 16)
                        if size == 0:
                            break
                        while len(data) < size + 2:
                            more()
                        if data[size:size + 2] != b"\r\n":
                            self.unclean.append("chunk without end")
                        data = data[size + 2:]
                    while True:
                        while b"\r\n" not in data:
                            more()
                        line, data = data.split(b"\r\n", 1)
                        if not line:
                            break
                        if not FIELD.match(line):
                            self.unclean.append(f"trailer {line!r}")
                else:
                    size = int((value(b"content-length") or [b"0"])[0])
                    while len(data) < size:
                        more()
                    data = data[size:]
                self.seen.append(lines[0])
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" if not lines[0].startswith(b"HEAD ")
                               else b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        except (EOFError, OSError):
            pass
        finally:
            client.close()

    def _inspect(self, head, lines):
        names = [line.split(b":", 1)[0].lower() for line in lines[1:]]
        if b"\r" in head.replace(b"\r\n", b"") or b"\n" in head.replace(b"\r\n", b"") or b"\0" in head:
            self.unclean.append(f"bare CR, LF or NUL in {head!r}")
        if not LINE.match(lines[0]):
            self.unclean.append(f"request line {lines[0]!r}")
        for line in lines[1:]:
            if not FIELD.match(line):
                self.unclean.append(f"field {line!r}")
        if names.count(b"content-length") > 1 or (b"content-length" in names and b"transfer-encoding" in names):
            self.unclean.append(f"two lengths in {head!r}")
        if names.count(b"host") != 1:
            self.unclean.append(f"{names.count(b'host')} hosts in {head!r}")


def _talk(number, data):
    """Sends the bytes, and reads until nothing comes for a moment, then ends its side: (status codes, closed)."""
    got, closed = b"", False
    with socket.create_connection(("127.0.0.1", number)) as client:
        client.settimeout(0.35)
        try:
            client.sendall(data)
            while True:
                part = client.recv(65536)
                if not part:
                    closed = True
                    break
                got += part
        except TimeoutError:
            # A head that was cut is answered, or its connection closed, at the latest when its sender is done.
            try:
                client.shutdown(socket.SHUT_WR)
                while part := client.recv(65536):
                    got += part
                closed = True
            except TimeoutError:
                pass
            except OSError:
                closed = True
        except OSError:
            closed = True
    codes = [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", got)]
    return [code for code in codes if code >= 200], closed


def requests():
    path = os.path.join(SHARED, "vectors", "http1-requests.jsonl")
    if not os.path.exists(path):
        return note("SKIP: no vectors here")
    vectors = [json.loads(line) for line in open(path)]
    recorder = Recorder()
    proxy = Proxy({"o.yaml": service("o", [recorder.port]), "web.yaml": virtual_service(to("o"))})
    met, agreed, broken = 0, 0, []
    for vector in vectors:
        first = len(recorder.seen)
        codes, closed = _talk(proxy.port, base64.b64decode(vector["raw"]))
        seen = len(recorder.seen) - first
        expect = vector["expect"]
        if expect == "accept":
            # As the peers were judged: one 2xx, and a request at the origin; how many is their policy.
            good = any(200 <= code < 300 for code in codes) and seen >= 1
        elif expect == "reject":
            good = (seen == 0 or seen < 2 and "http10" in vector["flags"]) and (closed or any(c >= 400 for c in codes))
        elif expect == "incomplete":
            good = seen == 0
        else:
            good = True
        met += good
        if vector["agree"] == 5:
            agreed += 1
            if not good:
                broken.append((vector["id"], expect, codes, seen, closed))
    check("every verdict on which the five peers agree is met", not broken, f"{agreed - len(broken)} of {agreed}")
    for line in broken[:20]:
        note(str(line))
    check("no unclean request reaches the origin", not recorder.unclean, len(recorder.unclean))
    for line in recorder.unclean[:10]:
        note(line)
    note(f"of all {len(vectors)}: {met} met; the peers' best is 318 of these and 33 more")
    check("it still serves", proxy.get("/")[0] == 200)
