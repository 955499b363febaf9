"""HAProxy."""
from ..load import SUITE
from ..machine import version_of
from ..upstream import NAME as UPSTREAM_NAME
from .peer import Peer as Base

NAME = "haproxy"


class Peer(Base):
    name = NAME

    def version(self):
        return version_of("haproxy", "-v")

    def command(self, row, place, upstream, port):
        certificate = upstream.certificate
        server = {
            "http1": "",
            "http2": "proto h2",
            "tls": f"ssl verify required ca-file {certificate.authority} sni str({UPSTREAM_NAME}) ssl-min-ver TLSv1.3",
        }[row.upstream]
        v1, v2 = upstream.ports[row.upstream]
        conf = place.fill(
            "haproxy.cfg", "haproxy.cfg", PORT=port, V1=v1, V2=v2, SERVER=server, SUITE=SUITE,
            SCHEME="https" if row.tls else "http",
            BIND=f"ssl crt {certificate.pem} alpn h2,http/1.1 ssl-min-ver TLSv1.3 curves X25519" if row.tls else "")
        return [self.path, "-db", "-f", conf]
