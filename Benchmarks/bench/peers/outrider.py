"""Outrider itself."""
import os

from ..machine import free_ports
from ..upstream import NAME as UPSTREAM_NAME
from .peer import Peer as Base

NAME = "outrider"


class Peer(Base):
    name = NAME

    def __init__(self, options):
        self.path = options.binary
        super().__init__(options)

    def missing(self, row):
        if os.access(self.path, os.X_OK):
            return None
        return f"no binary at {self.path}: build one (`make release`) or name it by --binary"

    def command(self, row, place, upstream, port):
        certificate = upstream.certificate
        admin, = free_ports(1)
        v1, v2 = upstream.ports[row.upstream]
        # HTTP/2 in clear text is told by its preface, so one HTTP port serves both; over TLS ALPN tells.
        server = f"tls: {{mode: SIMPLE, serverCertificate: {certificate.chain}, privateKey: {certificate.key}}}"
        policy = f"trafficPolicy: {{tls: {{mode: SIMPLE, caCertificates: {certificate.authority}, sni: {UPSTREAM_NAME}}}}}"
        place.fill(
            "outrider.yaml", "outrider/bench.yaml", PORT=port, ADMIN=admin, V1=v1, V2=v2,
            LISTEN_PORT="443" if row.tls else "80", LISTEN_PROTOCOL="HTTPS" if row.tls else "HTTP",
            SERVER_TLS=server if row.tls else "", POLICY=policy if row.upstream == "tls" else "",
            UPSTREAM_PROTOCOL="HTTP2" if row.upstream == "http2" else "HTTP",
            UPSTREAM_PORT_NAME="http2" if row.upstream == "http2" else "http")
        return [self.path, "run", "--config", f"{place.path}/outrider"]
