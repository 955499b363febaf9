#!/usr/bin/python3
"""A client of HTTP/1.1 and HTTP/2 that does what a script says and prints what came of it.

The script is a list of connections: {"kind": "h1" | "h2" | "h2c" | "tls-h1" | "tls-h2", "port": N, "ca": FILE, "together": false,
"requests": [{"method", "authority", "path", "fields", "body" or "size", "trailers", "resetAfter", "early", "credits"}]}.
The answer is a list of the same shape: {"status", "fields", "text", "length", "trailers", "how"}.
"""

import asyncio
import hashlib
import json
import os
import ssl
import sys

import h2.settings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import h2peer


def content(request):
    if "size" in request:
        return b"0123456789abcdef" * (request["size"] // 16)
    return request.get("body", "").encode()


def result(how, status=0, fields=(), body=b"", trailers=()):
    return {"how": how, "status": status, "fields": [list(f) for f in fields], "length": len(body),
            "hash": hashlib.sha256(body).hexdigest(), "text": body[:100000].decode("latin-1"),
            "trailers": [list(f) for f in trailers]}


class Failure(Exception):
    pass


# ---------------------------------------------------------------- HTTP/2

async def ask2(wire, request, scheme):
    method, body = request.get("method", "GET"), content(request)
    fields = [(":method", method), (":scheme", scheme), (":authority", request["authority"]), (":path", request["path"])]
    fields += [tuple(f) for f in request.get("fields", [])]
    trailers = request.get("trailers")
    stream = wire.open(fields, not body and trailers is None and not request.get("early") and request.get("resetAfter") != "head")
    sender = None
    if body or trailers is not None or request.get("early"):
        async def send():
            if await wire.data(stream, body, trailers is None and not request.get("early")) and trailers is not None:
                wire.head(stream, [tuple(f) for f in trailers], True)
        sender = asyncio.ensure_future(send())
    if request.get("resetAfter") == "head":
        await asyncio.sleep(0.2)
        wire.reset(stream)
        return result("cancelled")
    status, answer, got, tail = 0, [], b"", []
    while True:
        try:
            kind, what = await asyncio.wait_for(stream.events.get(), 2 if request.get("resetAfter") == "silence" else 60)
        except asyncio.TimeoutError:
            wire.reset(stream)
            return result("cancelled", status, answer, got)
        if kind == "head":
            status, answer = int(dict(what)[":status"]), [f for f in what if f[0] != ":status"]
        elif kind == "data":
            got += what
            if request.get("resetAfter") == "data":
                wire.reset(stream)
                return result("cancelled", status, answer, got)
        elif kind == "trailers":
            tail = what
        else:
            break
    if sender:
        sender.cancel()
    return result("complete" if kind == "end" else f"{kind} {what}", status, answer, got, tail)


# ---------------------------------------------------------------- HTTP/1.1

async def ask1(reader, writer, request):
    method, body = request.get("method", "GET"), content(request)
    fields = [["Host", request["authority"]]] + request.get("fields", [])
    trailers = request.get("trailers")
    if trailers is not None:
        fields += [["Transfer-Encoding", "chunked"], ["TE", "trailers"]]
    elif body or request.get("early") or method == "POST":
        fields.append(["Content-Length", str(len(body) + (1000 if request.get("early") else 0))])
    writer.write(f"{method} {request['path']} HTTP/1.1\r\n{h2peer.fields_text(fields)}\r\n".encode())
    if trailers is not None:
        for start in range(0, len(body), 10000):
            part = body[start:start + 10000]
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
        writer.write(f"0\r\n{h2peer.fields_text(trailers)}\r\n".encode())
    else:
        writer.write(body)
    if request.get("resetAfter") == "head":
        await writer.drain()
        await asyncio.sleep(0.2)
        writer.transport.abort()
        return result("cancelled")
    sending = asyncio.ensure_future(writer.drain())
    while True:
        head = await asyncio.wait_for(h2peer.read_head(reader), 60)
        if head is None:
            return result("closed")
        status = int(head[0].split(" ")[1])
        if status >= 200:
            break
    if request.get("resetAfter") == "data":
        await reader.read(1)
        writer.transport.abort()
        return result("cancelled", status, head[1])
    if method == "HEAD" or status in (204, 304):
        return result("complete", status, head[1])
    got, tail, whole = await asyncio.wait_for(h2peer.read_body(reader, head[1], True), 60)
    sending.cancel()
    return result("complete" if whole else "closed", status, head[1], got, tail)


# ---------------------------------------------------------------- connections

class Way:
    """A connection of the kind, opened again when it is over."""

    def __init__(self, plan):
        self.plan, self.kind, self.wire, self.streams = plan, plan["kind"], None, None

    async def open(self, authority):
        context = None
        if self.kind.startswith("tls"):
            context = ssl.create_default_context(cafile=self.plan["ca"])
            context.set_alpn_protocols(["h2"] if self.kind == "tls-h2" else ["http/1.1"])
        self.streams = await asyncio.open_connection(
            "127.0.0.1", self.plan["port"], ssl=context, server_hostname=authority if context else None, limit=1 << 21)
        reader, writer = self.streams
        if context and self.kind == "tls-h2" and writer.get_extra_info("ssl_object").selected_alpn_protocol() != "h2":
            raise Failure("h2 was not agreed on")
        if self.kind in ("h1", "tls-h1"):
            return
        settings = {h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: self.plan.get("window", 1 << 18)}
        self.wire = h2peer.Connection(reader, writer, True, settings, credits=self.plan.get("credits", True))
        if self.kind != "h2c":
            self.wire.begin()
            return
        asked = self.wire.h2.initiate_upgrade_connection().decode()
        writer.write((f"GET /reflect HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                      f"HTTP2-Settings: {asked}\r\n\r\n").encode())
        head = await h2peer.read_head(reader)
        if head is None or " 101 " not in head[0] + " ":
            raise Failure(f"no 101 but {head}")
        first = self.wire.streams[1] = h2peer.Stream(1)
        self.wire.flush()
        asyncio.ensure_future(self.wire.run())
        while (event := await asyncio.wait_for(first.events.get(), 60))[0] not in ("end", "reset", "closed"):
            pass
        if event[0] != "end":
            raise Failure(f"stream 1 ended with {event}")

    async def ask(self, request):
        if self.streams is None or self.wire and (self.wire.ended.is_set() or self.wire.goaways):
            await self.open(request["authority"])
        if self.wire:
            return await ask2(self.wire, request, "https" if self.kind == "tls-h2" else "http")
        answer = await ask1(*self.streams, request)
        closing = any(n == "connection" and "close" in v.lower() for n, v in answer["fields"])
        if answer["how"] != "complete" or closing or request.get("early"):
            self.streams[1].close()
            self.streams = None
        return answer


async def connection(plan):
    way, answers = Way(plan), []

    async def ask(request):
        try:
            return await way.ask(request)
        except (Failure, OSError, asyncio.TimeoutError, AttributeError, KeyError) as error:
            return result(f"failed: {error!r}")

    if plan.get("together"):
        await way.open(plan["requests"][0]["authority"])
        answers = await asyncio.gather(*[ask(r) for r in plan["requests"]])
    else:
        for request in plan["requests"]:
            answers.append(await ask(request))
    if plan.get("waitsForEnd") and way.wire:
        await asyncio.wait_for(way.wire.ended.wait(), 60)
    goaways = way.wire.goaways if way.wire else []
    if way.streams:
        way.streams[1].close()
    return {"answers": list(answers), "goaways": goaways}


async def main():
    plans = json.load(open(sys.argv[1]))
    print(json.dumps(await asyncio.gather(*[connection(p) for p in plans])))


asyncio.run(main())
