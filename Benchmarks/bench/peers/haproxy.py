"""HAProxy. Rules are maps, as its manual advises: one for hosts; one each for exact paths and for prefixes."""
import signal

from ..certificates import NAME as UPSTREAM_NAME
from ..load import SUITE
from ..machine import version_of
from .peer import Peer as Base, certificates, tell

NAME = "haproxy"
SERVERS = {
    "http1": "",
    "http2": "proto h2",
    "grpc": "proto h2",
    "tls": f"ssl verify required ca-file @AUTHORITY@ sni str({UPSTREAM_NAME}) ssl-min-ver TLSv1.3",
    "mtls": f"ssl crt @PEM@ verify required ca-file @AUTHORITY@ sni str({UPSTREAM_NAME}) ssl-min-ver TLSv1.3",
}
BY_HEADER = "use_backend v2 if { req.hdr(x-version) -m str v2 }"
BY_HOST = "use_backend %[req.hdr(host),field(1,:),lower,map_str(@WORK@/hosts.map,v1)]"
BY_PATH = """http-request set-var(txn.group) path,map_str(@WORK@/exact.map)
  http-request set-var(txn.group) path,map_beg(@WORK@/prefix.map) unless { var(txn.group) -m found }
  use_backend %[var(txn.group)] if { var(txn.group) -m found }"""


class Peer(Base):
    name = NAME

    def version(self):
        return version_of("haproxy", "-v")

    def command(self, site):
        work = site.work
        self.write_rules(site)
        routing = BY_HEADER if not work.rules else BY_HOST if work.rules.shape == "hosts" else BY_PATH
        verify = " ca-file @AUTHORITY@ verify required" if work.mutual else ""
        v1, v2 = site.upstream.ports[work.upstream]
        conf = site.room.fill(
            "haproxy.cfg", "haproxy.cfg", PORT=site.port, V1=v1, V2=v2, SERVER=SERVERS[work.upstream],
            ROUTING=routing, SCHEME="https" if work.tls else "http", THREADS=work.workers, CLIENTS=work.clients,
            BIND=f"ssl crt @PEM@ alpn h2,http/1.1 ssl-min-ver TLSv1.3 curves X25519{verify}" if work.tls else "",
            SUITE=SUITE, **certificates(site))
        # A master that replaces its worker is how it is told of changes; without them there is only a worker.
        return [self.path, "-W" if work.reloads else "-db", "-f", conf]

    def write_rules(self, site):
        rules = site.work.rules
        if not rules:
            return
        if rules.shape == "hosts":
            maps = {"hosts": [f"{rules.host(index)} {group}" for index, group in enumerate(site.groups())]}
        else:
            maps = {"exact": [], "prefix": []}
            for index, group in enumerate(site.groups()):
                kind, path = rules.path(index)
                maps[kind].append(f"{path} {group}")
        for name, lines in maps.items():
            site.room.write(f"{name}.map", "\n".join(lines) + "\n")

    def change(self, site):
        self.write_rules(site)
        tell(site, signal.SIGUSR2)
