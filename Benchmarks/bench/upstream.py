"""The upstream of every candidate: one nginx with two groups of servers, each in clear text, HTTP/2 and TLS; and the certificate."""
import collections
import pathlib
import re
import subprocess
import time
import urllib.request

from .machine import LOAD_CORE, free_ports

BODY = "x" * 68
LARGE_BYTES = 1024 * 1024
NAME = "localhost"
KINDS = ("http1", "http2", "tls")

Certificate = collections.namedtuple("Certificate", "chain key pem authority")


def make_certificate(place):
    """An ECDSA P-256 certificate for `localhost`, and the authority that signed it. Everyone uses this one."""
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-x509", "-days", "30"]

    def request(name, *more):
        subprocess.run(["openssl", "req", *curve, "-keyout", f"{place.path}/{name}.key", "-out", f"{place.path}/{name}.crt",
                        *more], check=True, capture_output=True)

    request("ca", "-subj", "/CN=bench authority", "-addext", "keyUsage=critical,keyCertSign")
    request("leaf", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", f"{place.path}/ca.crt", "-CAkey", f"{place.path}/ca.key")
    chain, key = f"{place.path}/leaf.crt", f"{place.path}/leaf.key"
    pem = place.write("leaf.pem", pathlib.Path(chain).read_text() + pathlib.Path(key).read_text())
    return Certificate(chain, key, pem, f"{place.path}/ca.crt")


class Upstream:
    """Answers from memory. `ports[kind]` are the ports of v1 and v2."""

    def __init__(self, place, certificate):
        self.certificate = certificate
        ports = free_ports(7)
        self.status, self.ports = ports[6], {kind: ports[2 * i:2 * i + 2] for i, kind in enumerate(KINDS)}
        pathlib.Path(place.path, "large").write_bytes(b"y" * LARGE_BYTES)
        names = {f"{kind.upper()}_{group}": port for kind, pair in self.ports.items() for group, port in zip(("V1", "V2"), pair)}
        conf = place.fill("upstream.conf", "upstream.conf", BODY=BODY, STATUS=self.status, CERTIFICATE=certificate.chain,
                          KEY=certificate.key, **names)
        self.process = place.start("upstream", LOAD_CORE, ["nginx", "-p", place.path, "-c", conf])
        for _ in range(100):
            try:
                self.connections()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"the upstream does not start: {place.log('upstream')}")

    def connections(self):
        """Connections accepted so far, without those of this question."""
        self.asked = getattr(self, "asked", 0) + 1
        with urllib.request.urlopen(f"http://127.0.0.1:{self.status}/status", timeout=5) as answer:
            return int(re.search(r"requests\s+(\d+)", answer.read().decode()).group(1)) - self.asked
