"""WebSocket: what a client sends and gets must be the same through the proxy as without it, byte for byte, over HTTP/1.1 and by
extended CONNECT. AUTOBAHN may name a runner of Autobahn's cases (it is given a URL); FRONT chooses the proxy."""

import asyncio
import fnmatch
import os
import struct
import sys
import zlib

from harness import check, listens, note, run, start, stop, until
from checks.protocols import HERE, Front, Origins, certificates, ready

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(kind, body=b"", fin=True, reserved=0, mask=b"\x01\x02\x03\x04", size=None, masked=True):
    first = (0x80 if fin else 0) | reserved << 4 | kind
    count = len(body) if size is None else size
    head = bytes([first])
    bit = 0x80 if masked else 0
    if count < 126:
        head += bytes([bit | count])
    elif count < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", count)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", count)
    if not masked:
        return head + body
    # A mask of 16 KiB at a time as one big number: fast enough for megabytes.
    long = (mask * (len(body) // 4 + 1))[:len(body)]
    return head + mask + (int.from_bytes(body, "big") ^ int.from_bytes(long, "big")).to_bytes(len(body), "big")


def close(code=1000, reason=b""):
    return frame(CLOSE, struct.pack(">H", code) + reason)


def cases():
    """(name, pieces, extension): a piece is bytes to send or seconds to wait. The server's answer is compared, not judged."""
    bye = close()
    sizes = [0, 1, 125, 126, 127, 128, 65535, 65536, 1 << 20]
    for kind, name in ((TEXT, "text"), (BINARY, "binary")):
        for size in sizes:
            yield f"framing: {name} of {size}", [frame(kind, b"*" * size), bye], None
        yield f"framing: {name} of 65536 in chops of 997", _chop(frame(kind, b"*" * 65536) + bye, 997), None
        yield f"framing: {name} byte by byte", _chop(frame(kind, b"*" * 130) + bye, 1), None
    for size in (0, 1, 125):
        yield f"ping of {size}", [frame(PING, b"p" * size), bye], None
    yield "ping of 126", [frame(PING, b"p" * 126), 0.2], None
    yield "ping in chops", _chop(frame(PING, bytes(range(125))) + bye, 1), None
    yield "unasked pong", [frame(PONG, b"?"), frame(PING, b"!"), bye], None
    yield "100 pings", [frame(PING, b"%d" % i) for i in range(100)] + [bye], None
    for reserved in range(1, 8):
        yield f"reserved bits {reserved}", [frame(TEXT, b"a", reserved=reserved), bye], None
    yield "reserved bits in the middle", [frame(TEXT, b"a"), frame(TEXT, b"b", reserved=4), bye], None
    for kind in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield f"opcode {kind}", [frame(TEXT, b"a"), frame(kind, b"b"), bye], None
    yield "fragmented text", [frame(TEXT, b"one", fin=False), frame(0, b"two", fin=False), frame(0, b"three"), bye], None
    yield "fragments with a ping between, and waits", [frame(TEXT, b"one", fin=False), 0.1, frame(PING, b"p"), 0.1, frame(0, b"two"), bye], None
    yield "fragmented ping", [frame(PING, b"a", fin=False), frame(0, b"b"), bye], None
    yield "a continuation of nothing", [frame(0, b"a"), bye], None
    yield "a text inside fragments", [frame(TEXT, b"one", fin=False), frame(TEXT, b"two"), bye], None
    yield "empty fragments", [frame(TEXT, b"", fin=False), frame(0, b"", fin=False), frame(0, b"x"), bye], None
    yield "1000 fragments of a byte", [b"".join([frame(BINARY, b"0", fin=False)] + [frame(0, b"%d" % (i % 10), fin=False) for i in range(1000)] + [frame(0)]), bye], None
    for name, text in (("valid", "κόσμε Hello-µ@ß\U0001f600".encode()), ("surrogate", b"\xed\xa0\x80"), ("overlong", b"\xc0\xaf"), ("cut short", b"\xce"),
                       ("beyond", b"\xf4\x90\x80\x80"), ("byte fe", b"\xfe"), ("nul", b"\x00"), ("last", b"\xf4\x8f\xbf\xbf")):
        yield f"UTF-8 {name}", [frame(TEXT, text), bye], None
        yield f"UTF-8 {name} in fragments", [frame(TEXT, text[:1], fin=False), frame(0, text[1:]), bye], None
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999, 0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535):
        yield f"close {code}", [close(code, b"why")], None
    yield "close without a code", [frame(CLOSE)], None
    yield "close of one byte", [frame(CLOSE, b"\x03")], None
    yield "close with 123 bytes of reason", [close(1000, b"r" * 123)], None
    yield "close with 124 bytes of reason", [close(1000, b"r" * 124)], None
    yield "close with a broken reason", [close(1000, b"\xff")], None
    yield "messages behind a close", [bye + frame(TEXT, b"late") + frame(PING, b"late")], None
    yield "two closes", [bye + bye], None
    yield "an unmasked frame", [frame(TEXT, b"a", masked=False), 0.2], None
    yield "a length of 64 bits where 7 do", [b"\x81\xff" + struct.pack(">Q", 3) + b"\0\0\0\0abc", bye], None
    yield "a length with the highest bit", [b"\x82\xff" + struct.pack(">Q", 1 << 63) + b"\0\0\0\0", 0.2], None
    yield "limits: 8 MiB", [frame(BINARY, os.urandom(8 << 20)), bye], None
    yield "limits: 16 MiB in frames of 64 KiB", [b"".join([frame(BINARY, b"x" * 65536, fin=False)] + [frame(0, b"y" * 65536, fin=False) for _ in range(62)]
                                                     + [frame(0, b"z" * 65536)]), bye], None
    yield "limits: 1000 messages", [b"".join(frame(TEXT, b"%d" % i) for i in range(1000)), bye], None
    pack = zlib.compressobj(wbits=-15)
    packed = lambda body: (pack.compress(body) + pack.flush(zlib.Z_SYNC_FLUSH))[:-4]
    yield "compression", [frame(TEXT, packed(b"hello " * 1000), reserved=4), frame(TEXT, packed(b"hello " * 1000), reserved=4), bye], "permessage-deflate"
    yield "compression that is broken", [frame(TEXT, b"\xff\xff\xff", reserved=4), 0.2], "permessage-deflate"
    yield "compression without a compressed message", [frame(TEXT, b"plain"), bye], "permessage-deflate"


def _chop(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


async def _h1(port, host, pieces, extension, path="/echo", tls=None, more=""):
    """(status, fields, bytes until the end, how it ended)."""
    from peers import client
    context = client.context(certificates().file("root.crt"), ["http/1.1"]) if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=host if tls else None, limit=1 << 22)
    writer.write((f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + (f"Sec-WebSocket-Extensions: {extension}\r\n" if extension else "")
                  + more + "\r\n").encode())
    first = await asyncio.wait_for(reader.readline(), 10)
    fields = {}
    while line := (await asyncio.wait_for(reader.readline(), 10)).strip():
        name, _, value = line.decode("latin-1").partition(":")
        fields[name.lower()] = value.strip()
    status = int(first.split()[1])
    if status != 101:
        writer.close()
        return status, fields, b"", "answered"
    return status, fields, *await _talk(reader, writer, pieces)


async def _talk(reader, writer, pieces):
    async def send():
        try:
            for piece in pieces:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    writer.write(piece)
                    await writer.drain()
                    if len(piece) < 1000 and len(pieces) > 1:
                        await asyncio.sleep(0)
        except (ConnectionError, OSError):
            pass
    sending, body, end = asyncio.ensure_future(send()), b"", "silence"
    try:
        while True:
            part = await asyncio.wait_for(reader.read(1 << 20), 4)
            if not part:
                end = "closed"
                break
            body += part
    except asyncio.TimeoutError:
        pass
    except (ConnectionError, OSError) as error:
        end = "closed"
    sending.cancel()
    writer.close()
    return body, end


KEY = []   # What an extended CONNECT carries besides; RFC 8441 wants no Sec-WebSocket-Key, and some proxies need one.


async def _h2(port, host, pieces, extension, path="/echo", tls=None):
    from peers import client, wire
    connection = await client.connect("tls-h2" if tls else "h2", port, certificates().file("root.crt"), host, own={wire.INITIAL_WINDOW_SIZE: 1 << 20})
    for _ in range(100):
        if connection.peer.get(wire.ENABLE_CONNECT_PROTOCOL):
            break
        await asyncio.sleep(0.02)
    stream = connection.open()
    await stream.head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https" if tls else "http"), (":authority", host),
                       (":path", path), ("sec-websocket-version", "13"), *KEY, *([("sec-websocket-extensions", extension)] if extension else [])])
    event = await stream.next(10)
    fields = dict(event[1]) if event[0] == "head" else {}
    if fields.get(":status") != "200":
        await connection.close()
        return int(fields.get(":status", 0)), fields, b"", str(event[:2])

    async def send():
        try:
            for piece in pieces:
                if isinstance(piece, float):
                    await asyncio.sleep(piece)
                else:
                    await stream.data(piece)
        except (wire.Closed, ConnectionError, OSError):
            pass
    sending, body, end = asyncio.ensure_future(send()), b"", "silence"
    while True:
        event = await stream.next(4)
        if event[0] == "data":
            body += event[1]
        elif event[0] in ("end", "reset"):
            end = "closed"
            break
        else:
            break
    sending.cancel()
    await connection.close()
    return 101, fields, body, end


class Echoes(Origins):
    """The ports of HTTP/1.1 belong to the echo server."""

    def __init__(self):
        super().__init__()
        stop(self.child)
        chain, key = certificates()["server"]
        command = [sys.executable, os.path.join(HERE, "peers", "ws_echo.py")]
        self.children = [start([*command, str(self.ports["h1"])]), start([*command, str(self.ports["tls-h1"]), chain, key])]
        rest = [a for kind in ("h2", "tls-h2") for a in ("--" + kind, str(self.ports[kind]))]
        self.child = start([sys.executable, os.path.join(HERE, "peers", "origin.py"), *rest, "--cert", chain, "--key", key, "--record", self.path,
                            "--connect-protocol"])
        for number in self.ports.values():
            if not until(lambda: listens(number), 15):
                raise RuntimeError("a server does not start: " + "".join(open(c.log).read() for c in self.children))

    def log(self):
        return "".join(open(child.log).read() for child in self.children)


def _available():
    try:
        import websockets.protocol
        return ready() and bool(websockets)
    except ImportError:
        note(f"SKIP: a recent websockets is not installed for {sys.executable}")
        return False


async def _compare(front, ask, port, host, tls, limit=16):
    """Every case without the proxy and with it; what differs."""
    gate, different = asyncio.Semaphore(limit), []

    async def one(name, pieces, extension):
        async with gate:
            try:
                plain = await asyncio.wait_for(_h1(front.origins.ports["h1"], host, pieces, extension), 60)
                through = await asyncio.wait_for(ask(port, host, pieces, extension, tls=tls), 60)
            except Exception as error:
                return different.append((name, f"{type(error).__name__}: {error}"))
        if plain[0] != 101 or plain[0] != through[0] or plain[2] != through[2] or plain[3] != through[3]:
            different.append((name, f"without: {plain[0]} {len(plain[2])} bytes {plain[2][-20:]!r} {plain[3]}; with: {through[0]} {len(through[2])} "
                                    f"bytes {through[2][-20:]!r} {through[3]}"))
        elif plain[1].get("sec-websocket-extensions") != through[1].get("sec-websocket-extensions"):
            different.append((name, f"extensions {through[1]}"))

    every = list(cases())
    await asyncio.gather(*[one(*case) for case in every])
    return len(every), different


def same():
    if not _available():
        return
    with Front.chosen(Echoes()) as front:
        ways = [(_h1, "h1", "h1"), (_h1, "tls-h1", "h1"), (_h1, "h1", "tls-h1"), (_h2, "h2", "h1"), (_h2, "tls-h2", "h1"), (_h2, "h2", "tls-h1")]
        if front.name == "direct":
            ways = ways[:1]
        if front.name != "direct":
            seen = asyncio.run(_h2(front.port("h2", "h1"), "h1.test", [close()], None))
            check("extended CONNECT reaches an origin of HTTP/1.1 without a key of the client's", seen[0] == 101 and seen[2] == frame(
                CLOSE, b"\x03\xe8", masked=False), seen)
            if seen[0] != 101:
                KEY[:] = [("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")]
        for ask, down, up in ways:
            if not fnmatch.fnmatch(f"{down}>{up}", os.environ.get("MATRIX", "*")):
                continue
            if not check(f"{front.name} is alive", front.child.poll() is None, "" if front.child.poll() is None else front.child.poll()):
                return
            count, different = asyncio.run(_compare(front, ask, front.port(down, up), f"{up}.test", down.startswith("tls")))
            check(f"WebSocket {down} > {up} is the same as without a proxy", not different, f"{count} cases, {len(different)} differ")
            for name, what in different[:12]:
                note(f"{name}: {what}"[:330])
        asyncio.run(_moments(front))
        autobahn(front)
        for child in front.origins.children:
            stop(child)


async def _moments(front):
    """Handshakes that fail, ends from either side, many at once, and idling."""
    port, host = front.port("h1", "h1"), "h1.test"
    refused = await _h1(port, host, [], None, "/refuse")
    check("a refused handshake passes as it is", refused[0] == 403, refused[0])
    chosen = await _h1(port, host, [close()], None, more="Sec-WebSocket-Protocol: superchat, chat\r\n")
    check("the subprotocol passes", chosen[0] == 101 and chosen[1].get("sec-websocket-protocol"), chosen[1])
    check("Sec-WebSocket-Accept is the origin's", chosen[1].get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", chosen[1].get("sec-websocket-accept"))
    dropped = await _h1(port, host, [frame(TEXT, b"x")], None, "/drop")
    check("a dropped origin ends the client", dropped[3] == "closed", dropped[2:])
    ended = await _h1(port, host, [frame(TEXT, b"x")], None, "/close")
    check("the origin's close code arrives", b"\x0f\xa1enough" in ended[2], ended[2:])
    talked = await _h1(port, host, [], None, "/talk")
    check("an origin that speaks first is heard", talked[2].count(b"message") == 100 and b"said" in talked[2], len(talked[2]))
    before = front.origins.log().count("ended /echo")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /echo HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode() + frame(TEXT, b"early"))
    got = await asyncio.wait_for(reader.readuntil(b"early"), 5)
    check("frames sent with the handshake are not lost", b"101" in got and got.endswith(b"early"), got[-20:])
    writer.transport.abort()
    check("a client that is gone ends the origin's connection", await asyncio.to_thread(
        until, lambda: front.origins.log().count("ended /echo") > before, 5))
    bad = []
    for name, fields, wanted in (("no Connection", "Upgrade: websocket\r\n", (400, 426, 200)), ("no key", "Connection: Upgrade\r\nUpgrade: websocket\r\n", (400, 426)),
                                 ("version 8", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", (400, 426))):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /echo HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode())
        first = await asyncio.wait_for(reader.readline(), 10)
        writer.close()
        if int((first.split() or [0, 0])[1]) not in wanted:
            bad.append((name, first))
    check("handshakes that are none are refused", not bad, bad)
    socket, good = [], 0
    for _ in range(300):
        socket.append(asyncio.ensure_future(_h1(port, host, [frame(TEXT, b"x" * 1000), 1.5, frame(TEXT, b"y"), close()], None)))
    for done in await asyncio.gather(*socket, return_exceptions=True):
        good += not isinstance(done, BaseException) and done[0] == 101 and done[2].endswith(b"\x03\xe8")
    check("300 at once", good == 300, good)


def autobahn(front):
    runner = os.environ.get("AUTOBAHN")
    if not runner:
        return note("SKIP: AUTOBAHN names no runner of Autobahn's cases")
    report = os.path.join(os.path.dirname(front.origins.path), "autobahn.json")
    import json
    found = {}
    for name, url in (("without", f"ws://127.0.0.1:{front.origins.ports['h1']}"), ("with", f"ws://127.0.0.1:{front.port('h1', 'h1')}"),
                      ("with TLS", f"wss://127.0.0.1:{front.port('tls-h1', 'h1')}")):
        run([sys.executable, runner, url, "[1-7].*", "9.[1257].*", "10.*", "12.?.[17]", "13.?.[17]", "--host", "h1.test", "--json", report, "--parallel", "12"],
            timeout=900)
        with open(report) as file:
            found[name] = json.load(file)
        os.unlink(report)
    for name in ("with", "with TLS"):
        worse = [(case, found["without"][case]["behavior"], result["behavior"], result["close"], result["result"][:80]) for case, result in found[name].items()
                 if (result["behavior"], result["close"]) != (found["without"][case]["behavior"], found["without"][case]["close"])]
        check(f"Autobahn {name} a proxy as without", not worse, f"{len(found[name])} cases, {len(worse)} differ")
        for line in worse[:10]:
            note(line)
