"""nginx."""
from ..load import SUITE
from ..machine import version_of
from ..upstream import NAME as UPSTREAM_NAME
from .peer import Peer as Base

NAME = "nginx"
SERVER_TLS = """ssl_certificate @CHAIN@; ssl_certificate_key @KEY@; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;
    ssl_conf_command Ciphersuites @SUITE@; ssl_session_cache shared:bench:16m;"""
UPSTREAM_TLS = """proxy_ssl_verify on; proxy_ssl_trusted_certificate @AUTHORITY@; proxy_ssl_name @NAME@;
      proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Ciphersuites @SUITE@;"""


class Peer(Base):
    name = NAME

    def version(self):
        return version_of("nginx", "-v")

    def missing(self, row):
        return "it speaks no HTTP/2 to upstreams" if row.upstream == "http2" else super().missing(row)

    def command(self, row, place, upstream, port):
        certificate = upstream.certificate
        v1, v2 = upstream.ports[row.upstream]
        # In clear text nginx 1.22 cannot tell HTTP/2 from HTTP/1.1 on one port: it listens for what the row wants.
        listen = ("ssl " if row.tls else "") + ("http2 " if row.http2 or row.tls else "")
        conf = place.fill(
            "nginx.conf", "nginx.conf", PORT=port, V1=v1, V2=v2, LISTEN=listen,
            SERVER_TLS=SERVER_TLS if row.tls else "", UPSTREAM_TLS=UPSTREAM_TLS if row.upstream == "tls" else "",
            SCHEME="https" if row.upstream == "tls" else "http", SUITE=SUITE, NAME=UPSTREAM_NAME,
            CHAIN=certificate.chain, KEY=certificate.key, AUTHORITY=certificate.authority)
        return [self.path, "-p", place.path, "-c", conf]
