"""The client side: connections of each kind that a downstream may use, and requests on them."""

import asyncio
import base64
import ssl
import struct

from peers import wire

KINDS = ("h1", "h2", "h2c", "tls-h1", "tls-h2")


def context(ca=None, protocols=None, certificate=None):
    """A TLS context. certificate: (chain, key)."""
    found = ssl.create_default_context(cafile=ca) if ca else ssl._create_unverified_context()
    if protocols:
        found.set_alpn_protocols(protocols)
    if certificate:
        found.load_cert_chain(*certificate)
    return found


async def connect(kind, port, ca=None, name="web.test", certificate=None, own=None, window=1 << 20, host="127.0.0.1", limit=1 << 18):
    """A connection: wire.H1 or wire.H2. For "h2c" it is an H2 whose stream 1 is already under way (`connection.upgraded`), or an
    H1 when the other side did not want to change."""
    tls = None
    if kind.startswith("tls"):
        tls = context(ca, ["h2", "http/1.1"] if kind == "tls-h2" else ["http/1.1"], certificate)
    reader, writer = await asyncio.open_connection(host, port, ssl=tls, server_hostname=name if tls else None, limit=limit)
    chosen = tls and writer.get_extra_info("ssl_object").selected_alpn_protocol()
    if kind == "h2" or (kind == "tls-h2" and chosen == "h2"):
        connection = wire.H2(reader, writer, own={wire.ENABLE_PUSH: 0, **(own or {})}, connection_window=window)
        await asyncio.wait_for(connection.settled.wait(), 10)
    else:
        connection = wire.H1(reader, writer)
    connection.alpn, connection.kind = chosen, kind
    return connection


async def upgrade(port, authority, path="/count", method="GET", more=()):
    """HTTP/1.1 with `Upgrade: h2c`: (connection, stream)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    payload = base64.urlsafe_b64encode(struct.pack(">HI", wire.INITIAL_WINDOW_SIZE, 65535)).rstrip(b"=").decode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
             f"HTTP2-Settings: {payload}", *[f"{n}: {v}" for n, v in more]]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
    first = await asyncio.wait_for(reader.readline(), 10)
    if b" 101 " not in first:
        connection = wire.H1(reader, writer, before=first)
        stream = connection.open()
        connection.tasks.add(asyncio.ensure_future(connection._answer(stream, method)))
        connection.kind, connection.alpn = "h1", None
        return connection, stream
    while (await reader.readline()).strip():
        pass
    connection = wire.H2(reader, writer, own={wire.ENABLE_PUSH: 0})
    stream = connection.open()
    connection.kind, connection.alpn = "h2c", None
    await asyncio.wait_for(connection.settled.wait(), 10)
    return connection, stream


def head(method, authority, path, *fields, scheme="http"):
    return [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *fields]


async def request(connection, method, authority, path, *fields, body=None, trailers=None, seconds=15):
    """A whole request and its whole answer."""
    stream = connection.open()
    scheme = "https" if connection.kind.startswith("tls") else "http"
    names = [n for n, _ in fields]
    more = [] if body is None or trailers or "content-length" in names else [("content-length", str(len(body)))]
    await stream.head(head(method, authority, path, *fields, *more, scheme=scheme), body is None and not trailers)
    if body is None and not trailers:
        return await wire.collect(stream, seconds)

    async def send():
        try:
            if body:
                await stream.data(body, not trailers)
            elif not trailers:
                await stream.end()
            if trailers:
                await stream.trailers(trailers)
        except (wire.Closed, ConnectionError, RuntimeError):
            pass

    sending = asyncio.ensure_future(send())
    got = await wire.collect(stream, seconds)
    sending.cancel()
    return got


async def once(kind, port, method, authority, path, *fields, ca=None, **options):
    """One connection for one request."""
    if kind == "h2c":
        connection, stream = await upgrade(port, authority, path, method, fields)
        got = await wire.collect(stream, 15)
        got.upgraded = connection.kind == "h2c"
    else:
        connection = await connect(kind, port, ca, authority)
        got = await request(connection, method, authority, path, *fields, **options)
    await connection.close()
    return got
