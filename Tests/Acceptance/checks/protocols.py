"""Every way in, every way out, and what a peer may do on the way.

FRONT chooses what stands in the middle: outrider (default), envoy, nghttpx, or direct (the client talks to the origin itself).
MATRIX="tls-h2>h1" (a pattern) and CASE=trailers run a part. Needs `hpack` and `cryptography` from PyPI.
"""

import asyncio
import fnmatch
import json
import os
import shutil
import sys
import tempfile

import harness
from harness import WORK, check, listens, note, port, start, stop, until

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UPSTREAMS = ("h1", "h2", "tls-h1", "tls-h2")


def ready():
    """Whether the Python packages are there."""
    try:
        import cryptography
        import hpack
        return cryptography and hpack
    except ImportError as error:
        note(f"SKIP: {error.name} is not installed for {sys.executable}")
        return False


_certificates = None


def certificates():
    global _certificates
    if _certificates is None:
        from peers import certs
        _certificates = certs.Folder(os.path.join(WORK, "certs"))
    return _certificates


class Origins:
    """The origin's process, its ports, and its record."""

    def __init__(self, *options, leaf="server"):
        self.ports = {kind: port() for kind in UPSTREAMS}
        self.path = tempfile.mktemp(dir=WORK, suffix=".record")
        chain, key = certificates()[leaf]
        arguments = [a for kind in UPSTREAMS for a in ("--" + kind, str(self.ports[kind]))]
        self.child = start([sys.executable, os.path.join(HERE, "peers", "origin.py"), *arguments, "--cert", chain, "--key", key,
                            "--record", self.path, "--connect-protocol", *options])
        for number in self.ports.values():
            if not until(lambda: listens(number), 15):
                raise RuntimeError("the origin does not start: " + open(self.child.log).read())

    def record(self, event=None):
        with open(self.path) as lines:
            found = [json.loads(line) for line in lines]
        return [entry for entry in found if event is None or entry["event"] == event]

    def mark(self):
        return len(self.record())

    def since(self, mark, event=None):
        return [entry for entry in self.record()[mark:] if event is None or entry["event"] == event]


# ---------------------------------------------------------------- what stands in the middle

class Front:
    """`plain` and `tls` are ports that route `KIND.test` to that origin. A context manager."""

    upgrades = True      # Whether h2c by Upgrade is expected to be taken up.

    def __init__(self, origins=None, rest="h1"):
        self.origins, self.rest = origins or Origins(), rest   # rest: where other hosts lead.
        self.plain, self.tls = port(), port()
        self.begin()
        for number in (self.plain, self.tls):
            if not until(lambda: listens(number), 20):
                raise RuntimeError(f"{self.name} does not listen: " + open(self.child.log).read()[-3000:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for child in (getattr(self, "child", None), self.origins.child):
            if child:
                stop(child)

    @staticmethod
    def chosen(origins=None, rest="h1"):
        return FRONTS[os.environ.get("FRONT", "outrider")](origins, rest)

    def port(self, kind, upstream=None):
        return self.tls if kind.startswith("tls") else self.plain

    def pid(self):
        return self.child.pid


class Direct(Front):
    name = "direct"
    upgrades = False

    def __init__(self, origins=None, rest="h1"):
        self.origins = origins or Origins()
        self.plain, self.tls, self.child = self.origins.ports["h2"], self.origins.ports["tls-h2"], self.origins.child

    def port(self, kind, upstream=None):
        return self.origins.ports[kind]


class Nghttpx(Front):
    name = "nghttpx"

    def begin(self):
        chain, key = certificates()["server"]
        proto = {"h1": "", "h2": ";proto=h2", "tls-h1": ";tls;proto=http/1.1", "tls-h2": ";tls;proto=h2"}
        backends = [f"--backend=127.0.0.1,{self.origins.ports[k]};{k}.test/{proto[k]};sni={k}.test" if "tls" in k else
                    f"--backend=127.0.0.1,{self.origins.ports[k]};{k}.test/{proto[k]}" for k in UPSTREAMS]
        self.child = start(["nghttpx", f"--frontend=127.0.0.1,{self.plain};no-tls", f"--frontend=127.0.0.1,{self.tls}", *backends,
                            f"--backend=127.0.0.1,{self.origins.ports[self.rest]};{proto[self.rest].replace(';', '/;', 1) or '/'}",
                            f"--cacert={certificates().file('root.crt')}",
                            "--workers=1", "--conf=/dev/null", "--no-ocsp", "--errorlog-file=/dev/stderr", key, chain])


class Envoy(Front):
    name = "envoy"
    upgrades = False

    def begin(self):
        chain, key = certificates()["server"]
        envoy = shutil.which("envoy") or os.path.join(os.path.dirname(sys.executable), "envoy")
        http = lambda k: {"h1": {"http_protocol_options": {"enable_trailers": True}}, "h2": {"http2_protocol_options": {}}}[k[-2:]]
        cluster = lambda k: {
            "name": k, "type": "STATIC", "connect_timeout": "5s",
            "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": http(k)}},
            "load_assignment": {"cluster_name": k, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                "address": "127.0.0.1", "port_value": self.origins.ports[k]}}}}]}]},
            **({"transport_socket": {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext", "sni": f"{k}.test",
                "common_tls_context": {"alpn_protocols": ["h2" if k == "tls-h2" else "http/1.1"], "validation_context": {
                    "trusted_ca": {"filename": certificates().file("root.crt")}}}}}} if "tls" in k else {})}
        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in", "codec_type": "AUTO", "http_protocol_options": {"enable_trailers": True},
            "http2_protocol_options": {"allow_connect": True},
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
            "route_config": {"virtual_hosts": [
                {"name": k, "domains": [f"{k}.test", f"{k}.test:*"] + (["*"] if k == self.rest else []),
                 "routes": [{"match": {"prefix": "/"}, "route": {"cluster": k, "timeout": "0s"}}]} for k in UPSTREAMS]}}
        listener = lambda name, number, tls: {
            "name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": number}},
            "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}], **({"transport_socket": {
                "name": "tls", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                    "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [{
                        "certificate_chain": {"filename": chain}, "private_key": {"filename": key}}]}}}} if tls else {})}]}
        path = os.path.join(WORK, f"envoy-{self.plain}.json")
        with open(path, "w") as file:
            json.dump({"static_resources": {"listeners": [listener("plain", self.plain, False), listener("tls", self.tls, True)],
                                            "clusters": [cluster(k) for k in UPSTREAMS]}}, file)
        self.child = start([envoy, "-c", path, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"])


def gateway(front, spec=""):
    """The Istio YAML of the matrix: one gateway with both ports, four services, TLS by DestinationRule."""
    chain, key = certificates()["server"]
    names = {"h1": "http", "h2": "http2", "tls-h1": "http-secure", "tls-h2": "http2-secure"}
    text = f"""
apiVersion: outrider.dev/v1alpha1
kind: Proxy
metadata: {{name: ingress, namespace: workshop, labels: {{istio: ingressgateway}}}}
spec:
  mode: gateway
  workers: 1
  admin: {{address: "127.0.0.1:{front.admin}"}}
  listen:
  - {{port: 80, address: "127.0.0.1:{front.plain}"}}
  - {{port: 443, address: "127.0.0.1:{front.tls}"}}
{spec}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: web, namespace: workshop}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 80, name: http, protocol: HTTP}}
    hosts: ["*"]
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: ["*"]
    tls: {{mode: SIMPLE, credentialName: web}}
{certificates().secret("web", "server")}"""
    for kind, name in names.items():
        number = front.origins.ports[kind]
        text += f"""---
apiVersion: v1
kind: Service
metadata: {{name: {kind}, namespace: workshop}}
spec:
  ports: [{{name: {name}, port: 80, targetPort: {number}}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {kind}, namespace: workshop, labels: {{kubernetes.io/service-name: {kind}}}}}
addressType: IPv4
ports: [{{name: {name}, port: {number}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {kind}, namespace: workshop}}
spec:
  hosts: [{kind}.test]
  gateways: [web]
  http:
  - route: [{{destination: {{host: {kind}, port: {{number: 80}}}}}}]
"""
        if kind.startswith("tls"):
            text += f"""---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {kind}, namespace: workshop}}
spec:
  host: {kind}
  trafficPolicy:
    tls: {{mode: SIMPLE, caCertificates: {certificates().file("root.crt")}, sni: {kind}.test}}
"""
    return text + f"""---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: zz-rest, namespace: workshop}}
spec:
  hosts: ["*"]
  gateways: [web]
  http:
  - route: [{{destination: {{host: {front.rest}, port: {{number: 80}}}}}}]
"""


class Outrider(Front):
    name = "outrider"

    def begin(self):
        self.directory, self.admin = tempfile.mkdtemp(dir=WORK, prefix="config-"), port()
        with open(os.path.join(self.directory, "all.yaml"), "w") as file:
            file.write(gateway(self))
        self.child = start([harness.BINARY, "run", "--config", self.directory, "--state", "none"])

    def log(self):
        return open(self.child.log, errors="replace").read()


FRONTS = {"direct": Direct, "nghttpx": Nghttpx, "envoy": Envoy, "outrider": Outrider}


# ---------------------------------------------------------------- the cases

class Case:
    """What a case has at hand: a connection of the right kind and the host that leads to the right origin."""

    def __init__(self, front, down, up):
        self.front, self.down, self.up, self.host = front, down, up, f"{up}.test"
        self.down_h2, self.up_h2 = down in ("h2", "tls-h2"), up.endswith("h2")

    async def connect(self):
        from peers import client
        self.connection = await client.connect(self.down, self.front.port(self.down, self.up), certificates().file("root.crt"), self.host)
        assert self.down != "tls-h2" or self.connection.alpn == "h2", f"ALPN {self.connection.alpn}"
        return self.connection

    async def ask(self, method, path, *fields, **options):
        from peers import client
        return await client.request(self.connection, method, self.host, path, *fields, **options)

    async def stream(self, method, path, *fields, end=False):
        from peers import client
        stream = self.connection.open()
        await stream.head(client.head(method, self.host, path, *fields, scheme="https" if self.down.startswith("tls") else "http"), end)
        return stream

    async def again(self):
        """That the way is still usable: on the same connection if it lives, else on a new one."""
        if self.connection.closed.is_set() or not self.down_h2:
            await self.connection.close()
            await self.connect()
        got = await self.ask("GET", "/count")
        return got.status == 200

    def last(self, path, event="request"):
        """The record's last request for a path, with what is known of its end."""
        entries = self.front.origins.record()
        found = [e for e in entries if e["event"] == "request" and e["pseudo"].get(":path", "").startswith(path)]
        if not found:
            return None
        ends = [e for e in entries if e["event"] == "ended" and e["id"] == found[-1]["id"]]
        return dict(found[-1], end=ends[-1] if ends else None)


async def get(c):
    got = await c.ask("GET", "/count?x=1&y=%20z")
    seen = json.loads(got.body or b"{}")
    entry = c.last("/count")
    wrong = [n for n, _ in seen.get("fields", []) if n in ("connection", "transfer-encoding", "http2-settings", "upgrade", "te")]
    return got.status == 200 and seen["pseudo"][":path"] == "/count?x=1&y=%20z" and seen["pseudo"].get(":authority", dict(seen["fields"]).get("host")) == c.host \
        and entry["kind"] == c.up and not wrong, (got, wrong, entry and entry["kind"])


async def reuse(c):
    """Ten requests one after another, or at once where streams exist."""
    if c.down_h2:
        got = await asyncio.gather(*[c.ask("GET", f"/bytes?n={i * 1000}") for i in range(1, 51)])
        return all(g.status == 200 and g.ended and len(g.body) == (i + 1) * 1000 for i, g in enumerate(got)), got[:2]
    for index in range(10):
        got = await c.ask("GET", f"/bytes?n={index * 1000}")
        if got.status != 200 or len(got.body) != index * 1000:
            return False, got
    return not c.connection.closed.is_set(), "closed" if c.connection.closed.is_set() else "kept"


async def post(c):
    got = await c.ask("POST", "/count", ("content-type", "text/plain"), body=b"hello world")
    seen = json.loads(got.body or b"{}")
    return got.status == 200 and seen["bytes"] == 11 and dict(seen["fields"]).get("content-length") == "11", got


async def unsized(c):
    """A body without a length."""
    stream = await c.stream("POST", "/count")
    for _ in range(5):
        await stream.data(b"piece ")
        await asyncio.sleep(0.01)
    await stream.end()
    from peers import wire
    got = await wire.collect(stream)
    return got.status == 200 and json.loads(got.body or b"{}")["bytes"] == 30, got


async def empty_post(c):
    got = await c.ask("POST", "/count", ("content-length", "0"))
    seen = json.loads(got.body or b"{}")
    return got.status == 200 and seen["bytes"] == 0, got


async def megabyte(c):
    from peers import origin
    body = origin.pattern(1 << 20)
    got = await c.ask("POST", "/echo", body=body, seconds=20)
    return got.status == 200 and got.body == body and got.ended, got


async def download(c):
    from peers import origin
    got = await c.ask("GET", f"/bytes?n={4 << 20}", seconds=20)
    return got.status == 200 and got.body == origin.pattern(4 << 20) and got.ended, got


async def slow_reader(c):
    """A client that takes 1 MiB late: nothing is lost, and the bytes arrive when it reads."""
    from peers import origin, wire
    stream = await c.stream("GET", f"/bytes?n={1 << 20}", end=True)
    await asyncio.sleep(0.5)
    got = await wire.collect(stream, 15)
    return got.body == origin.pattern(1 << 20) and got.ended, got


async def trailers_up(c):
    got = await c.ask("POST", "/count", ("te", "trailers"), ("trailer", "x-check"), body=b"abc", trailers=[("x-check", "7")])
    seen = json.loads(got.body or b"{}")
    return got.status == 200 and seen.get("bytes") == 3 and ["x-check", "7"] in seen["trailers"], (got, seen.get("trailers"))


async def trailers_down(c):
    got = await c.ask("GET", "/trailers", ("te", "trailers"))
    return got.status == 200 and got.body == b"with trailers\n" and got.trailer("x-sum") == "13" and got.ended, got


async def client_reset(c):
    """The client gives up in the middle of its body; the origin hears of it, and others go on."""
    stream = await c.stream("POST", "/count?reset")
    await stream.data(b"x" * 20000)
    await asyncio.sleep(0.3)
    await stream.reset()
    for _ in range(40):
        entry = c.last("/count?reset")
        if entry and entry["end"]:
            break
        await asyncio.sleep(0.1)
    cut = bool(entry and entry["end"] and not entry["end"]["whole"])
    return cut and await c.again(), entry and entry["end"]


async def client_reset_answer(c):
    """The client gives up in the middle of the answer."""
    stream = await c.stream("GET", f"/bytes?n={8 << 20}&slow=0.05&gone", end=True)
    for _ in range(3):
        await stream.next(5)
    await stream.reset()
    for _ in range(40):
        entries = [e for e in c.front.origins.record("cut")]
        entry = c.last(f"/bytes?n={8 << 20}&slow=0.05&gone")
        if entry and any(e["id"] == entry["id"] for e in entries):
            break
        await asyncio.sleep(0.1)
    return bool(entry) and any(e["id"] == entry["id"] for e in entries) and await c.again(), entry and entry.get("end")


async def upstream_reset(c):
    """The origin gives up before its head, behind it, and after 64 KiB: 502 or 503, then a stream that ends badly."""
    first = await c.ask("GET", "/reset?when=head&code=2")
    if c.connection.closed.is_set():
        await c.connect()
    second = await c.ask("GET", "/reset?when=data&code=2")
    if c.connection.closed.is_set():
        await c.connect()
    third = await c.ask("GET", "/reset?when=late&code=2&length=1")
    direct = c.front.name == "direct"
    good = (first.status in (502, 503) or direct) and second.status == 200 and second.reset is not None and not second.ended \
        and third.reset is not None and not third.ended
    return good and await c.again(), (first, second, third)


async def refused(c):
    """REFUSED_STREAM is answered by another try, or told as 503 (HTTP/2 only)."""
    if not c.up_h2:
        return None, ""
    got = await c.ask("GET", "/reset?when=head&code=7")
    return got.status in (502, 503) or c.front.name == "direct", got


async def early(c):
    """An answer before the body: it arrives whole, although the body was not read."""
    stream = await c.stream("POST", "/early?code=413&bye=nothing", ("content-length", "1000000"))
    from peers import wire
    try:
        await stream.data(b"x" * 1000)
    except (wire.Closed, OSError):
        pass
    got = await wire.collect(stream, 8, until=lambda g: len(g.body) == 10)
    return got.status == 413 and got.body == b"too early\n", got


async def early_bye(c):
    """An answer before the body, and RST_STREAM NO_ERROR or a close at once: still whole."""
    stream = await c.stream("POST", "/early?code=413&bye=reset")
    from peers import wire

    async def send():
        try:
            for _ in range(100):
                await stream.data(b"x" * 16384)
                await asyncio.sleep(0.01)
        except (wire.Closed, OSError, RuntimeError):
            pass

    sending = asyncio.ensure_future(send())
    got = await wire.collect(stream, 8, until=lambda g: len(g.body) == 10)
    sending.cancel()
    return got.status == 413 and got.body == b"too early\n", got


async def half_close(c):
    """Both directions in step: each piece comes back before the next is sent, then both end."""
    from peers import wire
    stream = await c.stream("POST", "/echo")
    got = wire.Exchange()
    for index in range(5):
        piece = b"piece %d;" % index
        await stream.data(piece)
        before = len(got.body)
        while len(got.body) < before + len(piece):
            event = await stream.next(5)
            got.add(event)
            if event[0] in ("silence", "reset", "end"):
                return False, got
    await stream.end()
    while not got.ended and got.reset is None:
        event = await stream.next(5)
        got.add(event)
        if event[0] == "silence":
            break
    return got.ended and len(got.body) == 40, got


async def answer_ends_first(c):
    """The origin ends its side while the client still sends; the client's rest is read or refused, never hung."""
    from peers import wire
    stream = await c.stream("POST", "/early?code=200&bye=wait")
    await stream.data(b"x" * 100)
    got = await wire.collect(stream, 5, until=lambda g: g.ended)
    try:
        await stream.data(b"y" * 100, True)
    except (wire.Closed, OSError):
        pass
    return got.status == 200 and got.body == b"too early\n" and await c.again(), got


async def head_method(c):
    got = await c.ask("HEAD", "/bytes?n=1234")
    more = await c.ask("HEAD", "/status?code=200")
    return got.status == 200 and got.get("content-length") == "1234" and not got.body and got.ended and more.ended and await c.again(), got


async def no_content(c):
    got = await c.ask("GET", "/status?code=204")
    return got.status == 204 and got.ended and not got.body and got.get("transfer-encoding") is None and await c.again(), (got, got.fields)


async def not_modified(c):
    got = await c.ask("GET", "/status?code=304", ("if-none-match", '"x"'))
    return got.status == 304 and got.ended and not got.body and got.get("etag") == '"x"' and await c.again(), (got, got.fields)


async def expect(c):
    """100-continue before the body, whoever says it."""
    from peers import wire
    stream = await c.stream("POST", "/count?expect", ("expect", "100-continue"), ("content-length", "5"))
    first = await stream.next(5)
    await stream.data(b"12345", True)
    got = await wire.collect(stream)
    return first[0] == "informational" and first[1][0] == (":status", "100") and got.status == 200 \
        and json.loads(got.body)["bytes"] == 5, (first, got)


async def hints(c):
    got = await c.ask("GET", "/hints")
    return got.status == 200 and got.body == b"ok\n", f"{got}, 103 {'passed' if got.informational else 'swallowed'}"


async def cookies(c):
    """Cookies that HTTP/2 split are one field for HTTP/1.1; set-cookie stays apart."""
    split = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")] if c.down_h2 else [("cookie", "a=1; b=2; c=3")]
    got = await c.ask("GET", "/cookies", *split)
    seen = json.loads(got.body or b"[]")
    whole = "; ".join(seen) == "a=1; b=2; c=3" and (c.up_h2 or len(seen) == 1 or c.front.name == "direct")
    return got.status == 200 and whole and len(got.all("set-cookie")) == 2, (seen, got.all("set-cookie"))


async def goaway(c):
    """The origin ends its connection behind each answer, and once leaves a request unprocessed."""
    got = [await c.ask("GET", "/goaway") for _ in range(3)]
    again = await c.again()
    if c.front.name == "direct":
        return None, ""
    left = await c.ask("GET", "/goaway?left=1")
    return all(g.status == 200 for g in got) and again and left.status == 200, (got, left)


async def big_head(c):
    """30 KiB of fields: CONTINUATION on HTTP/2."""
    got = await c.ask("GET", "/count", *[(f"x-{i}", "v" * 1000) for i in range(30)])
    seen = json.loads(got.body or b"{}")
    return got.status == 200 and sum(len(v) == 1000 for n, v in seen["fields"] if n.startswith("x-")) == 30, got.status


async def odd_fields(c):
    """Upper case, empty values, repeated fields and bytes above 127 arrive as they were."""
    name = "x-odd" if c.down_h2 else "X-Odd"
    got = await c.ask("GET", "/count", (name, "one"), (name, "two"), ("x-empty", ""), ("x-bytes", "caf\xe9"), ("te", "trailers"))
    seen = json.loads(got.body or b"{}")
    values = [v for n, v in seen["fields"] if n == "x-odd"]
    return got.status == 200 and ", ".join(values) == "one, two" and ["x-empty", ""] in seen["fields"] \
        and ["x-bytes", "caf\xe9"] in seen["fields"], (got.status, [f for f in seen.get("fields", []) if f[0].startswith("x-")])


async def tunnel(c):
    """WebSocket's upgrade, or extended CONNECT (RFC 8441): bytes both ways."""
    from peers import wire
    payload = os.urandom(100_000)
    if c.down_h2:
        for _ in range(50):
            if wire.ENABLE_CONNECT_PROTOCOL in c.connection.peer:
                break
            await asyncio.sleep(0.02)
        if not c.connection.peer.get(wire.ENABLE_CONNECT_PROTOCOL):
            return c.front.name == "nghttpx" or None, "SETTINGS_ENABLE_CONNECT_PROTOCOL is not offered"
        stream = c.connection.open()
        await stream.head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https" if "tls" in c.down else "http"),
                           (":authority", c.host), (":path", "/tunnel"), ("sec-websocket-version", "13")], False)
        event = await stream.next(5)
        if event[0] != "head" or dict(event[1])[":status"] != "200":
            return False, event
        await stream.data(payload[:10])
        asyncio.ensure_future(stream.data(payload[10:]))
        body = b""
        while len(body) < len(payload):
            event = await stream.next(5)
            if event[0] != "data":
                return False, (event, len(body))
            body += event[1]
        await stream.end()
        ending = await stream.next(5)
        return body == payload, f"{len(body)} bytes, then END_STREAM is answered by {ending}"
    stream = c.connection.open()
    await stream.head([(":method", "GET"), (":authority", c.host), (":path", "/tunnel"), ("connection", "Upgrade"), ("upgrade", "websocket"),
                       ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-version", "13")], True)
    event = await stream.next(5)
    if event[0] != "head" or dict(event[1])[":status"] != "101":
        return False, event
    c.connection.writer.write(payload)
    try:
        body = await asyncio.wait_for(c.connection.reader.readexactly(len(payload)), 5)
    except (asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
        return False, repr(error)
    if "tls" not in c.down:
        c.connection.writer.write_eof()
        try:
            rest = await asyncio.wait_for(c.connection.reader.read(), 5)
        except asyncio.TimeoutError:
            return False, "the end does not pass"
    return body == payload, len(body)


CASES = {f.__name__: f for f in (get, reuse, post, unsized, empty_post, megabyte, download, slow_reader, trailers_up, trailers_down,
                                 client_reset, client_reset_answer, upstream_reset, refused, early, early_bye, half_close,
                                 answer_ends_first, head_method, no_content, not_modified, expect, hints, cookies, goaway, big_head,
                                 odd_fields, tunnel)}


async def _run(case, front, down, up):
    c = Case(front, down, up)
    try:
        await asyncio.wait_for(c.connect(), 10)
        return await asyncio.wait_for(case(c), 60)
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    finally:
        try:
            await c.connection.close()
        except Exception:
            pass


async def _upgrade(front, up):
    from peers import client
    got = await client.once("h2c", front.plain, "GET", f"{up}.test", "/bytes?n=50000")
    from peers import origin
    return got.status == 200 and got.body == origin.pattern(50000), f"{got}, {'upgraded' if got.upgraded else 'stayed HTTP/1.1'}"


def matrix():
    if not ready():
        return
    wanted, only = os.environ.get("MATRIX", "*"), os.environ.get("CASE")
    with Front.chosen() as front:
        if front.name == "outrider":
            for line in front.log().splitlines():
                if "error" in line or "warning" in line:
                    note(line[:200])
        for up in UPSTREAMS:
            for down in ("h1", "h2", "tls-h1", "tls-h2"):
                if not fnmatch.fnmatch(f"{down}>{up}", wanted) or (front.name == "direct" and down != up):
                    continue
                good, bad, passed = 0, [], []
                for name, case in CASES.items():
                    if only and name != only:
                        continue
                    holds, seen = asyncio.run(_run(case, front, down, up))
                    if holds is None:
                        passed.append(name)
                    elif holds:
                        good += 1
                    else:
                        bad.append((name, seen))
                    if only:
                        note(f"{name}: {seen}"[:600])
                check(f"{down} > {up}", not bad, f"{good} cases good, {len(bad)} bad{', not tried: ' + ', '.join(passed) if passed else ''}")
                same = len(bad) > 5 and len({str(seen)[:20] for _, seen in bad}) == 1
                for name, seen in bad[:1] if same else bad:
                    note(f"{name}{' and all others' if same else ''}: {seen}"[:420])
            if front.upgrades and not only and fnmatch.fnmatch(f"h2c>{up}", wanted):
                holds, seen = asyncio.run(_upgrade(front, up))
                check(f"h2c > {up}", holds, seen)
        check(f"{front.name} is alive", front.child.poll() is None)
