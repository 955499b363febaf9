#!/usr/bin/env python3
"""An origin that speaks HTTP/1.1 and HTTP/2, in clear text and over TLS, does what the path says and records what it saw.

    peers/origin.py --h1 PORT --h2 PORT --tls-h1 PORT --tls-h2 PORT --cert FILE --key FILE --record FILE

    /echo              the body as it comes, then the trailers as x-echo-NAME
    /count             JSON of what came: method, path, fields, trailers, bytes, sum
    /bytes?n=&slow=    n bytes of a known pattern (slow: seconds between pieces of 16 KiB)
    /status?code=      a status without a body        /cookies   two set-cookie, and the cookie fields as JSON
    /trailers          a body and two trailers        /hints     103, then 200
    /early?code=&bye=  an answer before the body; bye=reset: RST_STREAM NO_ERROR or a close after it
    /reset?when=head|data|late&code=   a reset before the head, after it, after 64 KiB
    /goaway?left=1     GOAWAY that leaves this stream unprocessed; without left, one that finishes it
    /hold?seconds=     a head, then nothing for a time, then the end
    /delay?seconds=    nothing for a time, then all
    /tunnel            Upgrade: websocket and CONNECT: the bytes back, raw

Each request is one line in the record when its head arrives, and another one when it ends.
"""

import argparse
import asyncio
import functools
import hashlib
import json
import os
import ssl
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from peers import wire

PIECE = 16384


@functools.lru_cache(maxsize=1024)
def piece(index):
    """16 KiB of lines that say where they are: a missing or doubled piece shows."""
    return b"".join(b"%015d\n" % line for line in range(index * PIECE // 16, (index + 1) * PIECE // 16))


def pattern(count):
    return b"".join(piece(index) for index in range(count // PIECE + 1))[:count]


class Origin:
    def __init__(self, options):
        self.options, self.record = options, open(options.record, "a", buffering=1) if options.record else None
        self.connections = 0

    def note(self, **what):
        if self.record:
            self.record.write(json.dumps(what) + "\n")

    async def accept(self, reader, writer, kind):
        self.connections += 1
        identity = self.connections
        tls = writer.get_extra_info("ssl_object")
        about = {"connection": identity, "kind": kind}
        if tls:
            about.update(alpn=tls.selected_alpn_protocol(), version=tls.version(), sni=getattr(tls, "sni", None),
                         peer=[v for _, v in (tls.getpeercert() or {}).get("subjectAltName", ())])
        self.note(event="connection", **about)

        async def serve(stream):
            await self.serve(stream, about)

        if kind.endswith("h2"):
            own = {wire.MAX_CONCURRENT_STREAMS: self.options.streams, wire.INITIAL_WINDOW_SIZE: self.options.window}
            if self.options.connect_protocol:
                own[wire.ENABLE_CONNECT_PROTOCOL] = 1
            connection = wire.H2(reader, writer, True, serve, own, connection_window=max(65535, self.options.window))
        else:
            connection = wire.H1(reader, writer, True, serve)
        await connection.closed.wait()
        frames = [f for f in getattr(connection, "frames", []) if f[0] in (wire.GOAWAY,)]
        self.note(event="closed", goaway=getattr(connection, "goaway", None) and list(connection.goaway[:2]), frames=len(frames), **about)

    async def serve(self, stream, about):
        head = (await stream.next())[1]
        fields = [(n, v) for n, v in head if not n.startswith(":")]
        pseudo = {n: v for n, v in head if n.startswith(":")}
        target = urllib.parse.urlsplit(pseudo.get(":path") or "/")
        query = dict(urllib.parse.parse_qsl(target.query))
        number = f"{about['connection']}/{stream.number or id(stream) % 100000}"
        self.note(event="request", id=number, pseudo=pseudo, order=[n for n, _ in head], fields=fields,
                  first=getattr(stream, "first", None), **about)
        stream.seen = wire.Exchange()
        try:
            action = getattr(self, "do_" + target.path.rsplit("/", 1)[-1], self.do_count)
            if pseudo.get(":method") == "CONNECT" or dict(fields).get("upgrade", "").lower() == "websocket":
                action = self.do_tunnel
            elif dict(fields).get("expect") == "100-continue" and target.path.rsplit("/", 1)[-1] != "early":
                await stream.head([(":status", "100")])
            await action(stream, pseudo, fields, query)
        except (wire.Closed, ConnectionError, RuntimeError) as error:
            self.note(event="cut", id=number, error=str(error))
        while not (stream.seen.ended or stream.seen.reset is not None) and stream.events.qsize():
            stream.seen.add(await stream.next(0.1))
        seen = stream.seen
        self.note(event="ended", id=number, body=len(seen.body), sum=hashlib.sha256(seen.body).hexdigest()[:16], trailers=seen.trailers,
                  whole=seen.ended, reset=seen.reset if not isinstance(seen.reset, int) else wire.code(seen.reset))

    async def rest(self, stream, seconds=30):
        """The request's body to its end; false when it was cut."""
        while not stream.seen.ended and stream.seen.reset is None:
            event = await stream.next(seconds)
            stream.seen.add(event)
            if event[0] == "silence":
                return False
        return stream.seen.ended

    def fields(self, *more):
        return [(":status", "200"), ("x-origin", "yes"), *more]

    async def do_echo(self, stream, pseudo, fields, query):
        await stream.head(self.fields(("content-type", "application/octet-stream")))
        while True:
            event = await stream.next(30)
            stream.seen.add(event)
            if event[0] == "data":
                await stream.data(event[1])
            elif event[0] == "end":
                break
            elif event[0] != "trailers":
                return
        if stream.seen.trailers:
            await stream.trailers([("x-echo-" + n, v) for n, v in stream.seen.trailers])
        else:
            await stream.end()

    async def do_count(self, stream, pseudo, fields, query):
        if not await self.rest(stream):
            return
        seen = stream.seen
        body = json.dumps({"pseudo": pseudo, "fields": fields, "trailers": seen.trailers, "bytes": len(seen.body),
                           "sum": hashlib.sha256(seen.body).hexdigest()}).encode()
        await self.answer(stream, pseudo, [("content-type", "application/json"), ("content-length", str(len(body)))], body)

    async def answer(self, stream, pseudo, fields, body, status="200"):
        head = [(":status", status), ("x-origin", "yes"), *fields]
        if pseudo.get(":method") == "HEAD" or not body:
            await stream.head(head, True)
        else:
            await stream.head(head)
            await stream.data(body, True)

    async def do_bytes(self, stream, pseudo, fields, query):
        await self.rest(stream)
        count = int(query.get("n", 1000))
        await stream.head(self.fields(("content-length", str(count))), pseudo.get(":method") == "HEAD" or not count)
        if pseudo.get(":method") == "HEAD":
            return
        for at in range(0, count, PIECE):
            await stream.data(piece(at // PIECE)[:count - at], at + PIECE >= count)
            if "slow" in query:
                await asyncio.sleep(float(query["slow"]))

    async def do_status(self, stream, pseudo, fields, query):
        await self.rest(stream)
        await stream.head([(":status", query["code"]), ("x-origin", "yes"), ("etag", '"x"')], True)

    async def do_cookies(self, stream, pseudo, fields, query):
        await self.rest(stream)
        body = json.dumps([v for n, v in fields if n == "cookie"]).encode()
        await self.answer(stream, pseudo, [("set-cookie", "a=1; Path=/"), ("set-cookie", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT"),
                                           ("content-length", str(len(body)))], body)

    async def do_trailers(self, stream, pseudo, fields, query):
        await self.rest(stream)
        await stream.head(self.fields(("trailer", "x-sum, x-end")))
        await stream.data(b"with trailers\n")
        await stream.trailers([("x-sum", "13"), ("x-end", "yes")])

    async def do_hints(self, stream, pseudo, fields, query):
        await self.rest(stream)
        await stream.head([(":status", "103"), ("link", "</a.css>; rel=preload")])
        await self.answer(stream, pseudo, [("content-length", "3")], b"ok\n")

    async def do_early(self, stream, pseudo, fields, query):
        body = b"too early\n"
        bye = query.get("bye")
        h1 = isinstance(stream.connection, wire.H1)
        await self.answer(stream, pseudo, [("content-length", str(len(body)))] + ([("connection", "close")] if h1 and bye else []), body,
                          query.get("code", "413"))
        if bye == "reset":
            if h1:
                stream.connection.closed.set()
                stream.connection.writer.close()
            else:
                await stream.reset(wire.NO_ERROR)
        elif bye != "nothing":
            await self.rest(stream, 20)

    async def do_reset(self, stream, pseudo, fields, query):
        number, when = int(query.get("code", wire.INTERNAL_ERROR)), query.get("when", "head")
        if when != "head":
            await stream.head(self.fields(("content-length", "1000000") if query.get("length") else ("x-length", "none")))
            await stream.data(b"x" * (65536 if when == "late" else 100))
            await asyncio.sleep(0.2)
        await stream.reset(number)

    async def do_goaway(self, stream, pseudo, fields, query):
        if isinstance(stream.connection, wire.H1):
            return await self.answer(stream, pseudo, [("connection", "close"), ("content-length", "3")], b"ok\n")
        await self.rest(stream)
        if "left" in query and stream.number == 1 and not getattr(self, "left", False) or query.get("left") == "always":
            self.left = True
            stream.connection.go_away(stream.number - 1, int(query.get("code", 0)))
            await asyncio.sleep(float(query.get("after", 0.2)))
            stream.connection.writer.close()
            return
        stream.connection.go_away(stream.number, int(query.get("code", 0)))
        await self.answer(stream, pseudo, [("content-length", "3")], b"ok\n")

    async def do_hold(self, stream, pseudo, fields, query):
        await self.rest(stream)
        await stream.head(self.fields())
        await asyncio.sleep(float(query.get("seconds", 1)))
        await stream.end()

    async def do_delay(self, stream, pseudo, fields, query):
        await self.rest(stream)
        await asyncio.sleep(float(query.get("seconds", 1)))
        await self.answer(stream, pseudo, [("content-length", "3")], b"ok\n")

    async def do_tunnel(self, stream, pseudo, fields, query):
        connection = stream.connection
        if isinstance(connection, wire.H1):
            await stream.head([(":status", "101"), ("connection", "Upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "x")]
                              if pseudo[":method"] != "CONNECT" else [(":status", "200")])
            while part := await connection.reader.read(65536):
                connection.writer.write(part)
                await connection.writer.drain()
            connection.closed.set()
            connection.writer.close()
            return
        await stream.head(self.fields())
        while True:
            event = await stream.next(60)
            stream.seen.add(event)
            if event[0] == "data":
                await stream.data(event[1])
            elif event[0] == "end":
                return await stream.end()
            else:
                return


def context(options, protocols):
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(options.cert, options.key)
    found.set_alpn_protocols(protocols)
    if options.client_ca:
        found.load_verify_locations(options.client_ca)
        found.verify_mode = ssl.CERT_REQUIRED

    def name(socket, server_name, _):
        socket.sni = server_name

    found.sni_callback = name
    return found


async def main():
    parser = argparse.ArgumentParser()
    for kind in ("h1", "h2", "tls-h1", "tls-h2"):
        parser.add_argument("--" + kind, type=int)
    for name in ("cert", "key", "record", "client-ca"):
        parser.add_argument("--" + name)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--window", type=int, default=65535)
    parser.add_argument("--connect-protocol", action="store_true")
    options = parser.parse_args()
    origin = Origin(options)
    for kind in ("h1", "h2", "tls_h1", "tls_h2"):
        number = getattr(options, kind)
        if number:
            tls = context(options, ["h2"] if kind == "tls_h2" else ["http/1.1"]) if kind.startswith("tls") else None
            await asyncio.start_server(lambda r, w, kind=kind: origin.accept(r, w, kind.replace("_", "-")), "127.0.0.1", number, ssl=tls,
                                       backlog=1024)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
