"""The rows, in the order in which they are run."""
from ..work import MIB, Work
from .cost import Cost

GRPC = ("content-type: application/grpc", "te: trailers")
TLS = dict(tls=True)

ROWS = {row.name: row for row in [
    Cost("keepalive", "HTTP/1.1 keep-alive, 69-byte body, 64 connections", Work()),
    Cost("close", "HTTP/1.1, a new connection per request, 69-byte body, 64 clients", Work(close=True)),
    Cost("get-16k", "HTTP/1.1 keep-alive, GET of 16 KiB, 32 connections", Work(connections=32, path="/16k", download=16384)),
    Cost("get-1m", "HTTP/1.1 keep-alive, GET of 1 MiB, 8 connections", Work(connections=8, path="/1m", download=MIB)),
    Cost("post-16k", "HTTP/1.1 keep-alive, POST of 16 KiB, 32 connections", Work(connections=32, path="/upload", upload=16384)),
    Cost("post-1m", "HTTP/1.1 keep-alive, POST of 1 MiB, 8 connections", Work(connections=8, path="/upload", upload=MIB)),
    Cost("h2-h1", "HTTP/2 → HTTP/1.1, clear text, 16 connections × 8 streams", Work("h2load", 16, http2=True, streams=8)),
    Cost("h2-h2", "HTTP/2 → HTTP/2, clear text, 16 connections × 8 streams",
         Work("h2load", 16, http2=True, upstream="http2", streams=8)),
    Cost("grpc", "gRPC-shaped, HTTP/2 → HTTP/2: POST of a 21-byte message, answered by one and trailers, 16 × 8 streams",
         Work("h2load", 16, http2=True, upstream="grpc", streams=8, path="/echo.grpc", headers=("x-version: v2", *GRPC))),
    Cost("tls-h1", "TLS 1.3 downstream, HTTP/1.1 keep-alive, 64 connections", Work(tls=True)),
    Cost("tls-tls", "TLS 1.3 on both sides, HTTP/1.1 keep-alive, 64 connections", Work(tls=True, upstream="tls")),
    Cost("mtls-mtls", "Mutual TLS 1.3 on both sides, HTTP/1.1 keep-alive, 64 connections",
         Work("pace", tls=True, upstream="mtls", mutual=True)),
    Cost("h2tls-h1", "HTTP/2 over TLS 1.3 → HTTP/1.1, 16 connections × 8 streams",
         Work("h2load", 16, tls=True, http2=True, streams=8)),
    Cost("handshake", "TLS 1.3, a full handshake per request, 32 clients", Work("connect", 32, tls=True, close=True)),
    Cost("resume", "TLS 1.3, a resumed handshake per request, 32 clients",
         Work("connect", 32, tls=True, close=True, resume=True)),
]}
