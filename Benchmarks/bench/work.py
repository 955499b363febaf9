"""What a proxy has to do: a way in, a way out, rules, and a load."""
import dataclasses

MIB = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Rules:
    """So many rules, of which the load asks the last one; it leads to v2 and all others to v1.

    `hosts`: each on a host of its own (a VirtualService, a map's line, a virtual host); `paths`: all on one host, exact paths
    and prefixes by turns."""
    shape: str  # "hosts" or "paths"
    count: int

    def host(self, index):
        return f"h{index:05}.bench.internal"

    def path(self, index):
        """(kind, path): the last one is a prefix. The exact ones are paths to which the upstream answers what it sees."""
        exact = (self.count - 1 - index) % 2
        return ("exact", f"/exact/{index:05}/probe") if exact else ("prefix", f"/prefix/{index:05}/")

    def group(self, index):
        return "v2" if index == self.count - 1 else "v1"

    def question(self, index):
        """(host or nothing, start of the path) of a request that this rule answers."""
        if self.shape == "hosts":
            return self.host(index), "/"
        return None, self.path(index)[1]


@dataclasses.dataclass(frozen=True)
class Work:
    tool: str = "wrk"  # or "h2load", "connect" (connect.c: a new TLS connection per request), "pace" (pace.c)
    connections: int = 64
    tls: bool = False  # TLS 1.3 downstream
    http2: bool = False  # HTTP/2 downstream: by prior knowledge in clear text, by ALPN over TLS
    upstream: str = "http1"  # or "http2" (clear text, prior knowledge), "grpc" (the same, with trailers), "tls", "mtls"
    mutual: bool = False  # the client has to show a certificate
    streams: int = 1
    path: str = "/small"
    close: bool = False  # a new connection per request
    resume: bool = False
    upload: int = 0  # bytes of the request's body
    download: int = 0  # bytes of the answer's body, where they are what it is about
    rate: float = 0  # requests a second at fixed times; 0: as fast as they are answered
    headers: tuple = ("x-version: v2",)
    rules: Rules = None
    workers: int = 1
    clients: int = 3000  # how many client connections the proxy must have room for
    feature: str = ""  # one of Outrider's features (prices.py); for others nothing
    reloads: bool = False  # the proxy will be told of changes while it runs

    def url(self, port, path=None):
        # A name, not an address: SNI carries no addresses.
        return f"{'https://localhost' if self.tls else 'http://127.0.0.1'}:{port}{path or self.path}"

    @property
    def mebibytes(self):
        """Of bodies, a request."""
        return (self.upload + self.download) / MIB

    def having(self, **changes):
        return dataclasses.replace(self, **changes)


def asking(rules, **more):
    """The work of asking the last of these rules."""
    host, path = rules.question(rules.count - 1)
    return Work(rules=rules, path=f"{path}small", headers=(f"Host: {host}",) if host else (), **more)
