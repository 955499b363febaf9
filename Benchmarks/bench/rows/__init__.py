"""The rows, in the order in which they are run."""
from ..machine import shares_cores
from ..work import MIB, Rules, Work, asking
from .cost import Cost
from .idlecpu import IdleCPU
from .latency import Latency
from .memory import COUNT, Memory
from .price import Price
from .reload import Reload
from .series import Point, Series
from .start import Start

GRPC = ("content-type: application/grpc", "te: trailers")
RULES = (10, 1000, 10_000)
CONNECTIONS = (16, 64, 256, 1024)


def rules(name, title, shape):
    points = [Point(f"{count:,} rules", asking(Rules(shape, count)), count) for count in RULES]
    return Series(name, title, points, (points[0].label, points[-1].label), axis="rules")


def connections():
    points = [Point(f"{count:,}", Work(connections=count, clients=2 * COUNT), count) for count in CONNECTIONS]
    idle = Point(f"64 beside {COUNT:,} idle", Work(clients=2 * COUNT), idle=COUNT)
    return Series("connections", "HTTP/1.1 keep-alive against the number of connections", [*points, idle],
                  (points[1].label, idle.label), axis="connections")


def workers():
    points = [Point(f"{count} workers" if count > 1 else "1 worker", Work(connections=128, workers=count)) for count in (1, 2)]
    return Series("workers", "Two workers against one, HTTP/1.1 keep-alive, 128 connections", points,
                  (points[0].label, points[1].label), note=shared_note())


def shared_note():
    return "This machine has two cores: two workers share them with the load and the upstream, so CPU per request is what can be " \
        "compared here, not requests per second." if shares_cores(2) else None


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
    Latency("latency", "Latency at a fixed rate, HTTP/1.1 keep-alive, 64 connections", Work("pace")),
    Latency("latency-tls", "Latency at a fixed rate, TLS 1.3 downstream, HTTP/1.1 keep-alive, 64 connections",
            Work("pace", tls=True)),
    rules("rules-hosts", "Rules on different hosts, the last one asked", "hosts"),
    rules("rules-paths", "Rules on one host, exact paths and prefixes by turns, the last one (a prefix) asked", "paths"),
    connections(),
    workers(),
    Memory("idle", f"{COUNT:,} kept client connections that do nothing"),
    IdleCPU("idlecpu", "Nothing to do: CPU and wake-ups"),
    Reload("reload", "Reload under load, HTTP/1.1 keep-alive, 64 connections",
           asking(Rules("hosts", 100), tool="pace", reloads=True)),
    Start("start", "10,000 rules on different hosts: cold start, and one change under some load",
          asking(Rules("hosts", 10_000), tool="pace", reloads=True)),
    Price("price", "The price of features, HTTP/1.1 keep-alive, 64 connections"),
]}
