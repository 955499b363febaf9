"""What is measured: each row is a way in, a way out and a load."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    title: str
    tls: bool  # TLS 1.3 downstream
    http2: bool  # HTTP/2 downstream: by prior knowledge in clear text, by ALPN over TLS
    upstream: str  # "http1", "http2" (clear text, prior knowledge) or "tls" (HTTP/1.1 over TLS 1.3)
    tool: str  # "wrk", "h2load" or "connect" (connect.c: a new TLS connection per request)
    connections: int
    streams: int = 1
    path: str = "/small"
    close: bool = False  # a new connection per request
    resume: bool = False

    def urls(self, port, path=None):
        # A name, not an address: SNI carries no addresses.
        return f"{'https://localhost' if self.tls else 'http://127.0.0.1'}:{port}{path or self.path}"


ROWS = {row.name: row for row in [
    Row("keepalive", "HTTP/1.1 keep-alive, 69-byte body, 64 connections", False, False, "http1", "wrk", 64),
    Row("close", "HTTP/1.1, a new connection per request, 69-byte body, 64 clients", False, False, "http1", "wrk", 64,
        close=True),
    Row("large", "HTTP/1.1 keep-alive, 1 MiB body, 8 connections", False, False, "http1", "wrk", 8, path="/large"),
    Row("h2-h1", "HTTP/2 → HTTP/1.1, clear text, 16 connections × 8 streams", False, True, "http1", "h2load", 16, 8),
    Row("h2-h2", "HTTP/2 → HTTP/2, clear text, 16 connections × 8 streams", False, True, "http2", "h2load", 16, 8),
    Row("tls-h1", "TLS 1.3 downstream, HTTP/1.1 keep-alive, 64 connections", True, False, "http1", "wrk", 64),
    Row("tls-tls", "TLS 1.3 on both sides, HTTP/1.1 keep-alive, 64 connections", True, False, "tls", "wrk", 64),
    Row("h2tls-h1", "HTTP/2 over TLS 1.3 → HTTP/1.1, 16 connections × 8 streams", True, True, "http1", "h2load", 16, 8),
    Row("handshake", "TLS 1.3, a full handshake per request, 32 clients", True, False, "http1", "connect", 32, close=True),
    Row("resume", "TLS 1.3, a resumed handshake per request, 32 clients", True, False, "http1", "connect", 32, close=True,
        resume=True),
]}
