"""nginx. Hosts are a `map`, paths are locations."""
from ..certificates import NAME as UPSTREAM_NAME
from ..load import SUITE
from ..machine import version_of
from .peer import Peer as Base, certificates, tell

NAME = "nginx"
SERVER_TLS = """ssl_certificate @CHAIN@; ssl_certificate_key @KEY@; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519;
    ssl_conf_command Ciphersuites @SUITE@; ssl_session_cache shared:bench:16m;"""
SERVER_MUTUAL = "ssl_client_certificate @AUTHORITY@; ssl_verify_client on;"
UPSTREAM_TLS = """proxy_ssl_verify on; proxy_ssl_trusted_certificate @AUTHORITY@; proxy_ssl_name @NAME@;
    proxy_ssl_server_name on; proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Ciphersuites @SUITE@;"""
UPSTREAM_MUTUAL = "proxy_ssl_certificate @CHAIN@; proxy_ssl_certificate_key @KEY@;"


class Peer(Base):
    name = NAME

    def version(self):
        return version_of("nginx", "-v")

    def missing(self, work):
        no_http2 = work.upstream in ("http2", "grpc")
        return "it speaks no HTTP/2 to upstreams with proxy_pass" if no_http2 else super().missing(work)

    def command(self, site):
        work = site.work
        self.write_rules(site)
        v1, v2 = site.upstream.ports[work.upstream]
        # In clear text nginx 1.22 cannot tell HTTP/2 from HTTP/1.1 on one port: it listens for what the row wants.
        listen = ("ssl " if work.tls else "") + ("http2 " if work.http2 or work.tls else "")
        encrypted = work.upstream in ("tls", "mtls")
        conf = site.room.fill(
            "nginx.conf", "nginx.conf", PORT=site.port, V1=v1, V2=v2, LISTEN=listen, WORKERS=work.workers,
            # Each client takes a second connection, to the upstream, while it is answered.
            CONNECTIONS=work.clients + 1024,
            SERVER_TLS=(SERVER_TLS if work.tls else "") + (SERVER_MUTUAL if work.mutual else ""),
            UPSTREAM_TLS=(UPSTREAM_TLS if encrypted else "") + (UPSTREAM_MUTUAL if work.upstream == "mtls" else ""),
            SUITE=SUITE, NAME=UPSTREAM_NAME, **certificates(site))
        return [self.path, "-p", site.room.path, "-c", conf]

    def write_rules(self, site):
        rules = site.work.rules
        scheme = "https" if site.work.upstream in ("tls", "mtls") else "http"
        groups, places = "map $http_x_version $group { default v1; v2 v2; }", f"location / {{ proxy_pass {scheme}://$group; }}"
        if rules and rules.shape == "hosts":
            lines = [f"  {rules.host(index)} {group};" for index, group in enumerate(site.groups())]
            groups = "\n".join(["map_hash_max_size 65536; map_hash_bucket_size 128;", "map $host $group {", "  default v1;",
                                *lines, "}"])
        elif rules:
            kinds, lines = {"exact": "=", "prefix": "^~"}, []
            for index, group in enumerate(site.groups()):
                kind, path = rules.path(index)
                lines.append(f"location {kinds[kind]} {path} {{ proxy_pass {scheme}://{group}; }}")
            groups, places = "", "\n".join([*lines, f"location / {{ proxy_pass {scheme}://v1; }}"])
        site.room.write("groups", groups + "\n")
        site.room.write("places", places + "\n")

    def change(self, site):
        self.write_rules(site)
        tell(site)
