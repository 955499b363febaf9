#!/usr/bin/python3
"""An origin that speaks HTTP/1.1 and HTTP/2 (by the preface or ALPN), in the clear and over TLS, and writes down what it saw.

The path says what it does: /reflect, /bytes?n=N, /trailers, /204, /304, /early, /reset, /hang, /hold (until somebody asks for
/release), /drip (a byte whenever the client gives credit). One line of JSON in --record for each event.
"""

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import sys
import threading
import urllib.parse

import h2.errors
import h2.settings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import h2peer

parser = argparse.ArgumentParser()
parser.add_argument("--plain", type=int, action="append", default=[])
parser.add_argument("--tls-h1", type=int)
parser.add_argument("--tls-h2", type=int)
parser.add_argument("--cert")
parser.add_argument("--key")
parser.add_argument("--record", required=True)
parser.add_argument("--name", default="origin")
parser.add_argument("--max-streams", type=int)
parser.add_argument("--goaway-after", type=int, help="of each HTTP/2 connection only so many requests are processed")
parser.add_argument("--break-at", type=int, help="an HTTP/2 connection ends when so many streams are open")
options = parser.parse_args()

released = asyncio.Event()
connections = 0
log = open(options.record, "a", buffering=1)


def note(event, **facts):
    log.write(json.dumps({"event": event, **facts}) + "\n")


class Talk:
    """One request: what it says, its body, and how it is answered. A subclass for each protocol."""

    def reflection(self, body, trailers):
        return json.dumps({
            "origin": options.name, "protocol": self.protocol, "connection": self.connection, "method": self.method,
            "authority": self.authority, "path": self.path, "fields": self.fields, "trailers": trailers,
            "length": len(body), "hash": hashlib.sha256(body).hexdigest()}).encode()

    async def serve(self):
        path, _, query = self.path.partition("?")
        count = int(dict(urllib.parse.parse_qsl(query)).get("n", 0))
        note("request", protocol=self.protocol, connection=self.connection, method=self.method, path=self.path,
             authority=self.authority, fields=self.fields)
        if path == "/early":
            return await self.answer(200, [["content-length", "5"]], b"early")
        if path == "/hang":
            return note("end", path=self.path, how=await self.gone())
        if path == "/reset":
            await self.head(200, [["content-length", "100000"]])
            await self.data(b"x" * 1000)
            return await self.abort()
        if path == "/drip":
            await self.head(200, [["content-length", str(count)]])
            sent = 0
            while sent < count and await self.data(b"d" * min(8192, count - sent), sent + 8192 >= count):
                sent = min(sent + 8192, count)
                note("drip", sent=sent)
            return note("end", path=self.path, how="complete" if sent == count else "cut")
        body, trailers, whole = await self.body()
        note("end", path=self.path, how="complete" if whole else "cut", length=len(body), trailers=trailers)
        if not whole:
            return
        if path == "/release":
            released.set()
        if path == "/hold":
            await released.wait()
        if path == "/bytes":
            return await self.answer(200, [["content-length", str(count)]], b"0123456789abcdef" * (count // 16))
        if path == "/trailers":
            await self.head(200, [["x-head", "h"], ["trailer", "x-check"]], chunked=True)
            await self.data(b"with trailers")
            return await self.trailers([["x-check", "abc"], ["x-count", "13"]])
        if path == "/204":
            return await self.answer(204, [["x-kind", "empty"]], b"")
        if path == "/304":
            return await self.answer(304, [["etag", '"e"']], b"")
        text = self.reflection(body, trailers)
        await self.answer(200, [["content-type", "application/json"], ["content-length", str(len(text))]], text)


class Talk2(Talk):
    protocol = "h2"

    def __init__(self, connection, number, stream, fields):
        self.wire, self.connection, self.stream = connection, number, stream
        self.fields = [[n, v] for n, v in fields if not n.startswith(":")]
        pseudo = dict((n, v) for n, v in fields if n.startswith(":"))
        self.method, self.path, self.authority = pseudo.get(":method"), pseudo.get(":path", ""), pseudo.get(":authority")

    async def body(self):
        body, trailers = b"", []
        while True:
            kind, what = await self.stream.events.get()
            if kind == "data":
                body += what
            elif kind == "trailers":
                trailers = [[n, v] for n, v in what]
            else:
                return body, trailers, kind == "end"

    async def gone(self):
        while True:
            kind, what = await self.stream.events.get()
            if kind in ("reset", "closed"):
                return kind

    async def head(self, status, fields, chunked=False, end=False):
        self.wire.head(self.stream, [(":status", str(status))] + [(n, v) for n, v in fields], end)

    async def data(self, data, end=False):
        return await self.wire.data(self.stream, data, end)

    async def trailers(self, fields):
        self.wire.head(self.stream, [(n, v) for n, v in fields], True)

    async def abort(self):
        self.wire.reset(self.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)

    async def answer(self, status, fields, body):
        if self.method == "HEAD" or not body:
            return await self.head(status, fields, end=True)
        await self.head(status, fields)
        await self.data(body, True)


class Talk1(Talk):
    protocol = "h1"

    def __init__(self, reader, writer, number, line, fields):
        self.reader, self.writer, self.connection, self.fields = reader, writer, number, fields
        self.method, self.path, _ = line.split(" ")
        self.authority = h2peer.value(fields, "host")
        self.chunked, self.goes_on = False, True

    async def body(self):
        return await h2peer.read_body(self.reader, self.fields)

    async def gone(self):
        self.goes_on = False
        try:
            while await self.reader.read(1 << 16):
                pass
            return "closed"
        except OSError:
            return "reset"

    async def head(self, status, fields, chunked=False, end=False):
        self.chunked = chunked
        more = [["transfer-encoding", "chunked"]] if chunked else []
        self.writer.write(f"HTTP/1.1 {status} Whatever\r\n{h2peer.fields_text(fields + more)}\r\n".encode())

    async def data(self, data, end=False):
        try:
            self.writer.write(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)
            await self.writer.drain()
            return not self.reader.at_eof()
        except OSError:
            return False

    async def trailers(self, fields):
        self.writer.write(f"0\r\n{h2peer.fields_text(fields)}\r\n".encode())

    async def abort(self):
        await self.writer.drain()
        self.goes_on = False
        self.writer.transport.abort()

    async def answer(self, status, fields, body):
        await self.head(status, fields)
        await self.data(b"" if self.method == "HEAD" else body)
        if self.path.startswith("/early"):
            # The body that is not read ends the connection's use.
            self.goes_on = False
            await asyncio.wait([asyncio.ensure_future(self.gone())], timeout=20)


class Replay:
    """A reader with bytes that were looked at."""

    def __init__(self, first, reader):
        self.first, self.reader = first, reader

    async def read(self, count):
        data, self.first = self.first, b""
        return data or await self.reader.read(count)


async def connected(reader, writer):
    global connections
    connections += 1
    number = connections
    note("connection", number=number)
    secure = writer.get_extra_info("ssl_object")
    first = b""
    try:
        if secure is None:
            first = await reader.readexactly(3)
        if first == b"PRI" or secure is not None and secure.selected_alpn_protocol() == "h2":
            await speak2(Replay(first, reader), writer, number)
        else:
            await speak1(first, reader, writer, number)
    except (OSError, asyncio.IncompleteReadError):
        pass
    writer.close()


async def speak2(reader, writer, number):
    settings = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 20}
    if options.max_streams:
        settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = options.max_streams
    seen = 0
    active = 0

    async def on_stream(wire, stream, fields):
        nonlocal seen, active
        seen += 1
        if options.goaway_after and seen > options.goaway_after:
            note("unprocessed", connection=number)
            return
        active += 1
        if options.break_at and active >= options.break_at:
            note("break", connection=number)
            return writer.transport.abort()
        note("active", connection=number, count=active)
        await Talk2(wire, number, stream, fields).serve()
        active -= 1
        if options.goaway_after and seen >= options.goaway_after and active == 0 and not wire.ended.is_set():
            # Raw, since h2 takes a connection for over behind a GOAWAY.
            last = options.goaway_after * 2 - 1
            writer.write(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + last.to_bytes(4, "big") + b"\x00\x00\x00\x00")
            note("goaway", connection=number)
            await writer.drain()
            writer.close()

    wire = h2peer.Connection(reader, writer, False, settings, on_stream)
    await wire.begin()


async def speak1(first, reader, writer, number):
    while True:
        head = await h2peer.read_head(reader)
        if head is None:
            return
        line, fields = head
        talk = Talk1(reader, writer, number, first.decode() + line, fields)
        first = b""
        await talk.serve()
        if not talk.goes_on:
            return


def context(*protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(options.cert, options.key)
    made.set_alpn_protocols(list(protocols))
    return made


async def main():
    for port in options.plain:
        await asyncio.start_server(connected, "127.0.0.1", port, limit=1 << 20)
    if options.tls_h1:
        await asyncio.start_server(connected, "127.0.0.1", options.tls_h1, ssl=context("http/1.1"), limit=1 << 20)
    if options.tls_h2:
        await asyncio.start_server(connected, "127.0.0.1", options.tls_h2, ssl=context("h2", "http/1.1"), limit=1 << 20)
    note("ready")
    await asyncio.Event().wait()


def end_with_the_test():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_the_test, daemon=True).start()
asyncio.run(main())
