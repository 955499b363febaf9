"""The upstream of every candidate: two groups of servers, v1 and v2. nginx in clear text, HTTP/2, TLS and mutual TLS; nghttpd
where an answer has to end in trailers, which nginx cannot write."""
import pathlib
import re
import time
import urllib.request

from .machine import LOAD_CORE, free_ports
from .place import tail
from .work import MIB

BODY = "x" * 68
KINDS = ("http1", "http2", "tls", "mtls", "grpc")
SIZES = {"16k": 16 * 1024, "1m": MIB}
GRPC_MESSAGE = b"\0\0\0\0\x10" + b"m" * 16  # a prefix of five bytes, then the message


class Upstream:
    """Answers from memory. `ports[kind]` are the ports of v1 and v2."""

    def __init__(self, place, certificate):
        self.place, self.certificate = place, certificate
        ports = free_ports(2 * len(KINDS) + 1)
        self.status, self.ports = ports[-1], {kind: ports[2 * i:2 * i + 2] for i, kind in enumerate(KINDS)}
        self.asked = 0
        room = place.room("upstream")
        for name, size in SIZES.items():
            pathlib.Path(room.path, name).write_bytes(b"y" * size)
        names = {f"{kind.upper()}_{group}": port for kind, pair in self.ports.items() for group, port in zip(("V1", "V2"), pair)}
        room.fill("upstream-answers.conf", "answers", BODY=BODY)
        conf = room.fill("upstream.conf", "upstream.conf", STATUS=self.status, CERTIFICATE=certificate.chain,
                         KEY=certificate.key, AUTHORITY=certificate.authority, **names)
        place.start(room, LOAD_CORE, ["nginx", "-p", room.path, "-c", conf])
        self.start_grpc()
        for _ in range(100):
            try:
                self.connections()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the upstream does not start: " + tail(room))

    def connections(self):
        """Connections that nginx accepted so far, without those of this question."""
        self.asked += 1
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/status", timeout=5) as answer:
            return int(re.search(r"requests\s+(\d+)", answer.read().decode()).group(1)) - self.asked

    def start_grpc(self):
        """Two nghttpd; each says in a trailer which group it is. `path` /echo is answered with a message of 21 bytes."""
        for group, port in zip(("v1", "v2"), self.ports["grpc"]):
            room = self.place.room(f"grpc-{group}")
            pathlib.Path(room.path, "echo.grpc").write_bytes(GRPC_MESSAGE)
            types = room.write("mime.types", "application/grpc grpc\n")
            self.place.start(room, LOAD_CORE, [
                "nghttpd", "--no-tls", "--address=127.0.0.1", f"--htdocs={room.path}", f"--mime-types-file={types}",
                "--no-content-length", "--trailer", "grpc-status: 0", "--trailer", f"x-group: {group}", "-m128", str(port)])
