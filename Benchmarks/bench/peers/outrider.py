"""Outrider itself."""
import os

from ..certificates import NAME as UPSTREAM_NAME
from ..prices import FEATURES
from .peer import Peer as Base

NAME = "outrider"
PROTOCOLS = {"http2": ("http2", "HTTP2"), "grpc": ("grpc", "GRPC")}
VIRTUAL_SERVICE = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: bench}}
spec:
  hosts: ["{host}"]
  gateways: [bench]
  http:
{routes}
"""


def route(group, match=None, more=""):
    lines = [f"  - match: [{{{match}}}]"] if match else []
    lines += [f"  {' ' if match else '-'} route: [{{destination: {{host: app.bench.internal, subset: {group}}}}}]"]
    return "\n".join(lines + ([f"    {more}"] if more else []))


class Peer(Base):
    name = NAME

    def __init__(self, options):
        self.path = options.binary
        super().__init__(options)

    def missing(self, work):
        if os.access(self.path, os.X_OK):
            return None
        return f"no binary at {self.path}: build one (`make release`) or name it by --binary"

    def command(self, site):
        work, certificate = site.work, site.upstream.certificate
        v1, v2 = site.upstream.ports[work.upstream]
        _, mesh, _, _ = FEATURES[work.feature]
        # HTTP/2 in clear text is told by its preface, so one HTTP port serves both; over TLS ALPN tells.
        server = (f"tls: {{mode: {'MUTUAL' if work.mutual else 'SIMPLE'}, serverCertificate: {certificate.chain}, "
                  f"privateKey: {certificate.key}, caCertificates: {certificate.authority}}}")
        client = {"tls": "mode: SIMPLE",
                  "mtls": f"mode: MUTUAL, clientCertificate: {certificate.chain}, privateKey: {certificate.key}"}
        mode = client.get(work.upstream)
        policy = f"trafficPolicy: {{tls: {{{mode}, caCertificates: {certificate.authority}, sni: {UPSTREAM_NAME}}}}}"
        port_name, protocol = PROTOCOLS.get(work.upstream, ("http", "HTTP"))
        for name, text in self.virtual_services(site):
            site.room.write(f"config/{name}.yaml", text)
        site.room.fill(
            "outrider.yaml", "config/bench.yaml", PORT=site.port, ADMIN=site.admin, V1=v1, V2=v2, WORKERS=work.workers, MESH=mesh,
            LISTEN_PORT="443" if work.tls else "80", LISTEN_PROTOCOL="HTTPS" if work.tls else "HTTP",
            SERVER_TLS=server if work.tls else "", POLICY=policy if mode else "",
            UPSTREAM_PROTOCOL=protocol, UPSTREAM_PORT_NAME=port_name)
        return [self.path, "run", "--config", f"{site.room.path}/config", "--state", f"{site.room.path}/state"]

    def virtual_services(self, site):
        """[(name, text)]: a file each."""
        rules, (_, _, more, _) = site.work.rules, FEATURES[site.work.feature]
        if not rules:
            by_header = "headers: {x-version: {exact: v2}}"
            routes = [route("v2", by_header, more), route("v1", None, more)]
            return [("app", VIRTUAL_SERVICE.format(name="app", host="*", routes="\n".join(routes)))]
        if rules.shape == "hosts":
            return [(f"app-{index:05}", self.of_host(rules, index, group)) for index, group in enumerate(site.groups())]
        routes = []
        for index, group in enumerate(site.groups()):
            kind, path = rules.path(index)
            routes.append(route(group, f"uri: {{{kind}: {path}}}"))
        return [("app", VIRTUAL_SERVICE.format(name="app", host="*", routes="\n".join(routes)))]

    def of_host(self, rules, index, group):
        return VIRTUAL_SERVICE.format(name=f"app-{index:05}", host=rules.host(index), routes=route(group))

    def change(self, site):
        """A rename is all: the directory is watched."""
        rules = site.work.rules
        if rules.shape == "hosts":
            site.room.write("config/app-00000.yaml", self.of_host(rules, 0, site.first_group))
            return
        for name, text in self.virtual_services(site):
            site.room.write(f"config/{name}.yaml", text)
