"""HTTP/2 that means no good, beside a client that must not notice. FRONT chooses who is attacked, ATTACK=NAME takes one.

Each attack tells what the target did (GOAWAY and its code, closed, still open) and how its memory and the good client fared.
All loops are bounded, and all traffic stays on the loopback.
"""

import asyncio
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time

from harness import WORK, check, missing, nginx, note, rss, run, start, stop, until
from checks.protocols import HERE, Front, Origins, certificates, ready

HOST = "h1.test"


class Raw:
    """A socket that writes frames and understands just enough of the answers."""

    def __init__(self, port, tls=False, preface=True, own=None, host="127.0.0.1", timeout=10, settle=True):
        import hpack
        from peers import wire
        self.wire, self.encoder = wire, hpack.Encoder()
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            from peers import client
            self.socket = client.context(None, ["h2"]).wrap_socket(self.socket, server_hostname=HOST)
        self.buffer, self.frames, self.goaway, self.closed, self.resets, self.heads = b"", 0, None, False, {}, {}
        self.decoder, self.bodies, self.acks, self.error = hpack.Decoder(), {}, 0, None
        self.decoder.max_header_list_size = 1 << 20
        self.sent = 0
        if preface:
            self.send(wire.PREFACE + wire.settings(own or {}))
            if settle:
                self.read(5, lambda: self.settled)

    settled = False

    def send(self, data):
        """False when the other side has closed."""
        if self.closed:
            return False
        try:
            self.socket.sendall(data)
            self.sent += len(data)
            return True
        except (OSError, ssl.SSLError) as error:
            self.closed, self.error = True, error
            return False

    def frame(self, kind, flags=0, stream=0, payload=b""):
        return self.send(self.wire.frame(kind, flags, stream, payload))

    def head(self, path="/count", method="GET", host=HOST, more=(), scheme="http"):
        return self.encoder.encode([(":method", method), (":scheme", scheme), (":authority", host), (":path", path), *more])

    def request(self, stream, path="/count", end=True, **options):
        return self.frame(self.wire.HEADERS, self.wire.END_HEADERS | (self.wire.END_STREAM if end else 0), stream, self.head(path, **options))

    def read(self, seconds, done=lambda: False, acknowledge=True):
        """Takes frames until `done`, a close, or the time is over."""
        w, limit = self.wire, time.time() + seconds
        while not done() and time.time() < limit:
            self.socket.settimeout(max(0.001, min(0.2, limit - time.time())))
            try:
                part = self.socket.recv(65536)
            except (socket.timeout, ssl.SSLWantReadError):
                continue
            except OSError as error:
                self.closed, self.error = True, error
                break
            if not part:
                self.closed = True
                break
            self.buffer += part
            while len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) < 9 + length:
                    break
                kind, flags, number = self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & 0x7fffffff
                payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                self.frames += 1
                if kind == w.GOAWAY:
                    self.goaway = struct.unpack(">I", payload[4:8])[0]
                elif kind == w.RST_STREAM:
                    self.resets[number] = struct.unpack(">I", payload)[0]
                elif kind == w.HEADERS:
                    try:
                        self.heads.setdefault(number, []).append({n: v for n, v in self.decoder.decode(payload)})
                    except Exception:
                        self.heads.setdefault(number, []).append({})
                elif kind == w.DATA:
                    self.bodies[number] = self.bodies.get(number, b"") + payload
                elif kind == w.SETTINGS:
                    self.settled = True
                    if flags & w.ACK:
                        self.acks += 1
                    elif acknowledge:
                        self.frame(w.SETTINGS, w.ACK)
        return done()

    def status(self, stream=1):
        heads = self.heads.get(stream)
        return int(heads[0].get(":status", 0)) if heads else None

    def verdict(self, seconds=2):
        """What became of the connection."""
        self.read(seconds, lambda: self.closed)
        said = f"GOAWAY {self.wire.code(self.goaway)}, " if self.goaway is not None else ""
        return said + ("closed" if self.closed else "open")

    def close(self):
        self.socket.close()


class Good(threading.Thread):
    """A client of good will, over HTTP/2 and HTTP/1.1: a request every 20 ms on one connection each."""

    def __init__(self, front, up="h1"):
        super().__init__(daemon=True)
        self.up, self.front, self.ended, self.failures, self.times = up, front, threading.Event(), [], []
        self.start()

    def run(self):
        asyncio.run(self._run())

    async def _run(self):
        from peers import client
        root = certificates().file("root.crt")
        ways = [client.connect("h2", self.front.port("h2", self.up)),
                client.connect("tls-h1", self.front.port("tls-h1", self.up), root, f"{self.up}.test")]
        ways = [await way for way in ways]
        while not self.ended.is_set():
            for way in ways:
                began = time.time()
                try:
                    got = await client.request(way, "GET", f"{self.up}.test", "/bytes?n=2000", seconds=10)
                    if got.status != 200 or len(got.body) != 2000:
                        self.failures.append(repr(got))
                        if len(self.failures) > 3:
                            return
                except Exception as error:
                    self.failures.append(repr(error))
                    return
                self.times.append(time.time() - began)
            await asyncio.sleep(0.02)
        for way in ways:
            await way.close()

    def stop(self):
        self.ended.set()
        self.join(15)
        slow = sorted(self.times)
        return not self.failures and bool(slow), \
            f"{len(slow)} requests, p99 {slow[int(len(slow) * 0.99)] * 1000:.0f} ms, longest {slow[-1] * 1000:.0f} ms" if slow else "none", \
            self.failures[:2]


def flooding(connection, one, count, chunk=50, seconds=15, read=True):
    """Sends `one(index)` up to count times, reading now and then; how many went out before it ended."""
    end, sent = time.time() + seconds, 0
    while sent < count and time.time() < end:
        if not connection.send(b"".join(one(sent + i) for i in range(chunk))):
            break
        sent += chunk
        if read:
            connection.read(0.001, lambda: connection.closed or connection.goaway is not None)
            if connection.closed or connection.goaway is not None:
                break
    return sent


# ---------------------------------------------------------------- floods: (what was sent, whether the connection must end)

def rapid_reset(front, raw):
    """Streams opened and cancelled at once (CVE-2023-44487)."""
    block = raw.head("/delay?seconds=5")
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 2 * i + 1, block if i == 0 else raw.head("/delay?seconds=5"))
                    + w.frame(w.RST_STREAM, 0, 2 * i + 1, struct.pack(">I", w.CANCEL)), 20000)
    return f"{sent} streams", True


def made_you_reset(front, raw):
    """Frames that make the server reset its own streams (CVE-2025-8671): a WINDOW_UPDATE of zero on an open stream."""
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS, 2 * i + 1, raw.head("/delay?seconds=5", "POST"))
                    + w.frame(w.WINDOW_UPDATE, 0, 2 * i + 1, struct.pack(">I", 0)), 20000, chunk=20)
    return f"{sent} streams, {len(raw.resets)} reset by it", True


def made_you_reset_overflow(front, raw):
    """The same by a window beyond 2^31 - 1."""
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS, 2 * i + 1, raw.head("/delay?seconds=5", "POST"))
                    + w.frame(w.WINDOW_UPDATE, 0, 2 * i + 1, struct.pack(">I", 0x7fffffff)), 20000, chunk=20)
    return f"{sent} streams, {len(raw.resets)} reset by it", True


def made_you_reset_half_closed(front, raw):
    """The same by DATA behind END_STREAM."""
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 2 * i + 1, raw.head("/delay?seconds=5"))
                    + w.frame(w.DATA, 0, 2 * i + 1, b"x"), 20000, chunk=20)
    return f"{sent} streams, {len(raw.resets)} reset by it", True


def bad_requests(front, raw):
    """Malformed requests without an end: each is reset or answered 400."""
    w = raw.wire
    block = lambda: raw.encoder.encode([(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/"), ("connection", "x")])
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 2 * i + 1, block()), 20000, chunk=20)
    return f"{sent} streams, {len(raw.resets)} reset by it", True


def continuation_flood(front, raw):
    """A header block that never ends (CVE-2024-27316)."""
    w = raw.wire
    raw.frame(w.HEADERS, 0, 1, raw.head())
    sent = flooding(raw, lambda i: w.frame(w.CONTINUATION, 0, 1, b"\x00\x04abcd\x7f\x00" + b"x" * 127 + b""), 50000, chunk=20)
    return f"{sent} frames, {raw.sent >> 10} KiB", True


def empty_continuation_flood(front, raw):
    w = raw.wire
    raw.frame(w.HEADERS, 0, 1, raw.head())
    sent = flooding(raw, lambda i: w.frame(w.CONTINUATION, 0, 1), 100000)
    return f"{sent} frames", True


def settings_flood(front, raw):
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.SETTINGS), 100000)
    return f"{sent} frames, {raw.acks} acknowledged", True


def settings_toggle(front, raw):
    """INITIAL_WINDOW_SIZE up and down with many streams open: each one touches all."""
    w = raw.wire
    for i in range(100):
        raw.request(2 * i + 1, "/delay?seconds=3")
    sent = flooding(raw, lambda i: w.settings({w.INITIAL_WINDOW_SIZE: 1 if i % 2 else 0x7fffffff}), 100000)
    return f"{sent} frames", True


def table_size_toggle(front, raw):
    w = raw.wire
    sent = flooding(raw, lambda i: w.settings({w.HEADER_TABLE_SIZE: 0 if i % 2 else 1 << 31}), 100000)
    return f"{sent} frames", True


def ping_flood(front, raw):
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.PING, 0, 0, b"abcdefgh"), 200000)
    return f"{sent} frames", True


def ping_flood_unread(front, raw):
    """The same, and the answers are never read."""
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.PING, 0, 0, b"abcdefgh"), 400000, chunk=200, read=False)
    return f"{sent} frames", True


def window_update_flood(front, raw):
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)), 200000)
    return f"{sent} frames", True


def priority_flood(front, raw):
    w = raw.wire
    sent = flooding(raw, lambda i: w.frame(w.PRIORITY, 0, 2 * (i % 1000) + 1, struct.pack(">IB", 0, i % 256)), 200000)
    return f"{sent} frames", True


def empty_data_flood(front, raw):
    w = raw.wire
    raw.request(1, "/count", False, method="POST")
    sent = flooding(raw, lambda i: w.frame(w.DATA, 0, 1), 200000)
    return f"{sent} frames", True


def padded_data_flood(front, raw):
    """DATA that is nothing but padding."""
    w = raw.wire
    raw.request(1, "/count", False, method="POST")
    sent = flooding(raw, lambda i: w.frame(w.DATA, w.PADDED, 1, b"\x00"), 200000)
    return f"{sent} frames", True


def tiny_data_flood(front, raw):
    """A byte at a time: allowed, but must cost others nothing."""
    w = raw.wire
    raw.request(1, "/count", False, method="POST")
    sent = flooding(raw, lambda i: w.frame(w.DATA, 0, 1, b"x"), 60000)
    return f"{sent} frames", None


def unknown_flood(front, raw):
    sent = flooding(raw, lambda i: raw.wire.frame(0x7e, 0, 0, b"x"), 200000)
    return f"{sent} frames", True


def altsvc_flood(front, raw):
    sent = flooding(raw, lambda i: raw.wire.frame(0x0a, 0, 0, b"\x00\x00"), 200000)
    return f"{sent} frames", True


def hpack_bomb(front, raw):
    """One long field in the table, then thousands of references to it in one byte each."""
    w = raw.wire
    first = raw.head("/count", more=[("x-bomb", "b" * 3900)])
    raw.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 1, first)
    sent = flooding(raw, lambda i: w.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 2 * i + 3, raw.head("/count") + b"\xbe" * 8000), 500, chunk=5)
    answered = [raw.status(2 * i + 3) for i in range(5)]
    return f"{sent} heads of {8000 * 3900 >> 20} MiB each, answers {answered}", None


def huge_heads(front, raw):
    """A head of 200 KiB on each of many streams."""
    w = raw.wire
    block = b"\x00\x03xyz\x7f\x81\x7c" + b"v" * (127 + 1 + 124 * 128)
    big = raw.head() + block * 12
    def one(i):
        parts = [big[a:a + 16384] for a in range(0, len(big), 16384)]
        return b"".join(w.frame(w.HEADERS if k == 0 else w.CONTINUATION, (w.END_STREAM if k == 0 else 0) | (w.END_HEADERS if k == len(parts) - 1 else 0),
                                2 * i + 1, part) for k, part in enumerate(parts))
    sent = flooding(raw, one, 200, chunk=1)
    return f"{sent} heads of {len(big) >> 10} KiB, answers {[raw.status(1), raw.status(3)]}", None


def many_streams(front, raw):
    """More streams than are allowed."""
    for i in range(5000):
        if not raw.request(2 * i + 1, "/delay?seconds=3"):
            break
    raw.read(2, lambda: raw.closed)
    refused = sum(1 for c in raw.resets.values() if c == raw.wire.REFUSED_STREAM)
    return f"5000 streams, {refused} refused", None


def stream_dependency_loop(front, raw):
    w = raw.wire
    for i in range(1000):
        raw.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM | w.WITH_PRIORITY, 2 * i + 1, struct.pack(">IB", 2 * i + 1, 1) + raw.head())
        if raw.closed:
            break
    return "1000 streams that depend on themselves", None


FLOODS = [rapid_reset, made_you_reset, made_you_reset_overflow, made_you_reset_half_closed, bad_requests, continuation_flood,
          empty_continuation_flood, settings_flood, settings_toggle, table_size_toggle, ping_flood, ping_flood_unread, window_update_flood,
          priority_flood, empty_data_flood, padded_data_flood, tiny_data_flood, unknown_flood, altsvc_flood, hpack_bomb, huge_heads,
          many_streams, stream_dependency_loop]


class Quick(Origins):
    """Behind HTTP/1.1 stands an nginx with 40 MB in /big; the good client talks to another origin, so that what is slow is the proxy."""

    def __init__(self):
        super().__init__()
        stop(self.child)
        rest = [a for kind in ("h2", "tls-h1", "tls-h2") for a in ("--" + kind, str(self.ports[kind]))]
        chain, key = certificates()["server"]
        self.child = start([sys.executable, os.path.join(HERE, "peers", "origin.py"), *rest, "--cert", chain, "--key", key, "--record", self.path])
        folder = os.path.join(WORK, "quick")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "big"), "wb") as file:
            file.truncate(40_000_000)
        self.nginx = nginx({self.ports["h1"]: f"root {folder};"})


def _wanted(name):
    return os.environ.get("ATTACK", name) == name


def floods():
    if not ready():
        return
    with Front.chosen() as front:
        for attack in FLOODS:
            name = attack.__name__
            if not _wanted(name):
                continue
            good, before = Good(front), rss(front.pid())
            time.sleep(0.3)
            raw = Raw(front.port("h2", "h1"))
            began = time.time()
            what, must_end = attack(front, raw)
            took = time.time() - began
            verdict = raw.verdict(2)
            peak = rss(front.pid())
            raw.close()
            time.sleep(0.2)
            unhurt, how, failures = good.stop()
            ended = raw.closed or raw.goaway is not None
            check(f"{name}: {'ends the connection, and ' if must_end else ''}the good client does not notice",
                  unhurt and (ended or not must_end) and front.child.poll() is None,
                  f"{what} in {took:.1f} s; {verdict}; RSS {before} to {peak} KiB; good: {how} {failures or ''}")
    if not missing("nginx"):
        with Front.chosen(Quick()) as front:
            slow(front)
            stop(front.origins.nginx)


def slow(front):
    """What is held instead of flooded."""
    if _wanted("one_byte_windows"):
        good, before = Good(front, "h2"), rss(front.pid())
        held = []
        for _ in range(20):
            from peers import wire
            raw = Raw(front.port("h2", "h1"), own={wire.INITIAL_WINDOW_SIZE: 1})
            for i in range(50):
                raw.request(2 * i + 1, "/big")
            held.append(raw)
        time.sleep(3)
        after = rss(front.pid())
        unhurt, how, failures = good.stop()
        for raw in held:
            raw.close()
        check("one-byte windows on 1000 answers of 40 MB hold little memory", unhurt and after - before < 400_000,
              f"RSS {before} to {after} KiB; good: {how} {failures or ''}")
        time.sleep(1)
        note(f"RSS {rss(front.pid())} KiB after they left")
    if _wanted("no_window"):
        good, before = Good(front, "h2"), rss(front.pid())
        held = []
        for _ in range(20):
            raw = Raw(front.port("h2", "h1"))
            for i in range(10):
                raw.request(2 * i + 1, "/big")
                raw.frame(raw.wire.WINDOW_UPDATE, 0, 2 * i + 1, struct.pack(">I", 0x7fff0000 - 65535))
            raw.frame(raw.wire.WINDOW_UPDATE, 0, 0, struct.pack(">I", 0x7fff0000 - 65535))
            held.append(raw)
        time.sleep(3)
        after = rss(front.pid())
        unhurt, how, failures = good.stop()
        for raw in held:
            raw.close()
        check("open windows and a client that never reads hold little memory", unhurt and after - before < 400_000,
              f"200 answers of 40 MB; RSS {before} to {after} KiB; good: {how} {failures or ''}")
    if _wanted("slow_preface"):
        good = Good(front, "h2")
        sockets = []
        for i in range(200):
            raw = Raw(front.port("h2", "h1"), preface=False)
            raw.send(raw.wire.PREFACE[:1 + i % 23])
            sockets.append(raw)
        time.sleep(2)
        unhurt, how, failures = good.stop()
        ended = 0
        for raw in sockets:
            raw.read(0.01, lambda: raw.closed)
            ended += raw.closed
            raw.close()
        check("200 connections with a part of the preface", unhurt, f"{ended} closed after 2 s; good: {how} {failures or ''}")
    if _wanted("wrong_preface"):
        seen = []
        for data in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n", b"PRI * HTTP/2.0\r\nhost: a\r\n\r\nSM\r\n\r\n",
                     b"PRI * HTTP/1.1\r\nhost: a\r\n\r\n"):
            raw = Raw(front.port("h1", "h1"), preface=False)
            raw.send(data)
            raw.read(2, lambda: raw.closed)
            seen.append(raw.buffer[:30] or raw.verdict(0))
            raw.close()
        check("prefaces that are none are refused", all(b" 200 " not in bytes(s, "latin-1") if isinstance(s, str) else b" 200 " not in s for s in seen), seen)


# ---------------------------------------------------------------- smuggling

def _malformed():
    """(name, fields, body or None, what may come). Pseudo fields in the order given; a body is sent in DATA."""
    base = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/s")]
    post = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/s")]
    def put(name, value):
        return [(n, value if n == name else v) for n, v in base]
    evil = "GET /evil HTTP/1.1\r\nHost: h1.test\r\n\r\n"
    yield "CR LF in a value", base + [("x-a", "b\r\nx-evil: 1")], None
    yield "CR LF CR LF and a request in a value", base + [("x-a", "b\r\n\r\n" + evil)], None
    yield "LF in a value", base + [("x-a", "b\nx-evil: 1")], None
    yield "CR in a value", base + [("x-a", "b\rx-evil: 1")], None
    yield "NUL in a value", base + [("x-a", "b\x00c")], None
    yield "a space before a value", base + [("x-a", " b")], None
    yield "CR LF in a name", base + [("x-a\r\nx-evil", "1")], None
    yield "LF in a name", base + [("x-a\nx-evil", "1")], None
    yield "a colon in a name", base + [("x-evil: 1\r\nx", "1")], None
    yield "a colon inside a name", base + [("transfer-encoding: chunked", "x")], None
    yield "a space in a name", base + [("x evil", "1")], None
    yield "an upper-case name", base + [("X-Evil", "1")], None
    yield "an empty name", base + [("", "1")], None
    yield "a name with a byte above 127", base + [("x-\xff", "1")], None
    yield "transfer-encoding: chunked", post + [("transfer-encoding", "chunked")], b"0\r\n\r\n" + evil.encode()
    yield "transfer-encoding and content-length", post + [("content-length", "5"), ("transfer-encoding", "chunked")], b"0\r\n\r\n"
    yield "content-length above DATA", post + [("content-length", "100")], b"abc"
    yield "content-length below DATA", post + [("content-length", "3")], b"abc" + evil.encode()
    yield "content-length 0 and DATA", post + [("content-length", "0")], evil.encode()
    yield "two unequal content-lengths", post + [("content-length", "3"), ("content-length", "4")], b"abc"
    yield "two equal content-lengths", post + [("content-length", "3"), ("content-length", "3")], b"abc"
    yield "content-length with a sign", post + [("content-length", "+3")], b"abc"
    yield "content-length as a list", post + [("content-length", "3, 3")], b"abc"
    yield "content-length with spaces", post + [("content-length", " 3")], b"abc"
    yield "content-length not a number", post + [("content-length", "3x")], b"abc"
    yield "content-length of 20 digits", post + [("content-length", "18446744073709551619")], b"abc"
    yield "connection: close", base + [("connection", "close")], None
    yield "connection: transfer-encoding", base + [("connection", "transfer-encoding")], None
    yield "keep-alive", base + [("keep-alive", "timeout=5")], None
    yield "proxy-connection", base + [("proxy-connection", "close")], None
    yield "upgrade: h2c", base + [("upgrade", "h2c")], None
    yield "upgrade: websocket without connection", base + [("upgrade", "websocket")], None
    yield "te: gzip", base + [("te", "gzip")], None
    yield "te: trailers, chunked", base + [("te", "trailers, chunked")], None
    yield "a pseudo field behind others", base[:3] + [("x-a", "1"), base[3]], None
    yield "two :path", base + [(":path", "/evil")], None
    yield "two :method", base + [(":method", "POST")], None
    yield "two :authority", base + [(":authority", "evil.test")], None
    yield "an unknown pseudo field", base + [(":evil", "1")], None
    yield ":status in a request", base + [(":status", "200")], None
    yield "no :path", base[:3], None
    yield "no :method", base[1:], None
    yield "no :scheme", [base[0], *base[2:]], None
    yield "an empty :path", put(":path", ""), None
    yield "an empty :method", put(":method", ""), None
    yield "a space in :path", put(":path", "/s HTTP/1.1\r\nx-evil: 1\r\nx: "), None
    yield "a bare space in :path", put(":path", "/s /evil"), None
    yield "a tab in :path", put(":path", "/s\t/evil"), None
    yield ":path without a slash", put(":path", "evil"), None
    yield ":path with a whole URL", put(":path", "http://evil.test/s"), None
    yield ":path with a fragment", put(":path", "/s#evil"), None
    yield ":path *", put(":path", "*"), None
    yield "CR LF in :method", put(":method", "GET /evil HTTP/1.1\r\nHost: a\r\n\r\nGET"), None
    yield "a space in :method", put(":method", "GET /evil"), None
    yield "CR LF in :authority", put(":authority", HOST + "\r\nx-evil: 1"), None
    yield "a space in :authority", put(":authority", HOST + " evil"), None
    yield "user information in :authority", put(":authority", "evil@" + HOST), None
    yield "a path in :authority", put(":authority", HOST + "/evil"), None
    yield "CR LF in :scheme", put(":scheme", "http\r\nx-evil: 1"), None
    yield ":scheme with a URL", put(":scheme", "http://evil.test/?"), None
    yield "host beside another :authority", base + [("host", "evil.test")], None
    yield "host equal to :authority", base + [("host", HOST)], None
    yield "two host fields", [base[0], base[1], base[3], ("host", HOST), ("host", "evil.test")], None
    yield "host alone", [base[0], base[1], base[3], ("host", HOST)], None
    yield "neither host nor :authority", [base[0], base[1], base[3]], None
    yield ":protocol without CONNECT", base + [(":protocol", "websocket")], None
    yield "CONNECT with :path and without :protocol", put(":method", "CONNECT"), None
    yield "expect: 100-continue without a body", base + [("expect", "100-continue")], None
    yield "an underscore that may become a dash", base + [("content_length", "5"), ("x_evil", "1")], None
    yield "http2-settings", base + [("http2-settings", "AAMAAABkAAQAAP__")], None


# What RFC 9113 says is malformed but many accept, or what is no fault: an answer of 200 is right there.
HARMLESS = {"two equal content-lengths", "host equal to :authority", "host alone", ":path with a fragment", "a space before a value",
            "content-length with spaces", "expect: 100-continue without a body", "an underscore that may become a dash", "http2-settings",
            "user information in :authority", "host beside another :authority", ":path *", "te: trailers, chunked",
            "neither host nor :authority", "two :authority",
            # The head may be on its way before DATA show the fault; what counts is that no byte beyond the length goes out.
            "content-length above DATA", "content-length below DATA", "content-length 0 and DATA"}


def _literal(encoder, fields):
    """A header block of plain literals: an encoder would lower names and refuse some bytes."""
    def string(value):
        data = value.encode("latin-1")
        size = len(data)
        if size < 127:
            return bytes([size]) + data
        size -= 127
        out = b"\x7f"
        while size >= 128:
            out += bytes([size % 128 | 128])
            size //= 128
        return out + bytes([size]) + data
    return b"".join(b"\x00" + string(n) + string(v) for n, v in fields)


def smuggling():
    """What is malformed in HTTP/2 never reaches an HTTP/1.1 origin, nor one of HTTP/2 as something else."""
    if not ready():
        return
    with Front.chosen() as front:
        good = Good(front)
        for up in ("h1", "h2"):
            wrong, accepted = [], []
            for name, fields, body in _malformed():
                mark = front.origins.mark()
                marker = f"m{random.randrange(10 ** 9)}"
                fields = [(n, v.replace(HOST, f"{up}.test")) for n, v in fields] + [("x-marker", marker)]
                raw = Raw(front.port("h2", up))
                w = raw.wire
                raw.frame(w.HEADERS, w.END_HEADERS | (0 if body is not None else w.END_STREAM), 1, _literal(raw.encoder, fields))
                if body is not None:
                    raw.frame(w.DATA, w.END_STREAM, 1, body)
                # A request behind it on the same connection tells what the origin's connection thinks.
                raw.read(0.3, lambda: raw.closed or raw.goaway is not None or 1 in raw.heads or 1 in raw.resets)
                raw.request(3, "/after", host=f"{up}.test")
                raw.read(2, lambda: raw.closed or raw.goaway is not None or (raw.status(3) is not None and (1 in raw.resets or raw.status(1) is not None)))
                raw.read(0.05)
                what = f"{raw.status(1) or ''}{' reset ' + w.code(raw.resets[1]) if 1 in raw.resets else ''}" \
                       f"{' GOAWAY ' + w.code(raw.goaway) if raw.goaway is not None else ''}"
                raw.close()
                time.sleep(0.02)
                reached = [e for e in front.origins.since(mark, "request") if "x-evil" in json.dumps(e) or "evil" in json.dumps(e["pseudo"])
                           or [f for f in e["fields"] if f == ["x-marker", marker]]]
                bodies = {e["id"]: e for e in front.origins.since(mark, "ended")}
                told = [(e["first"] or e["pseudo"].get(":path"), [f for f in e["fields"] if f[0] not in ("x-marker", "x-request-id", "x-forwarded-for", "x-forwarded-proto")],
                         bodies.get(e["id"], {}).get("body")) for e in reached]
                injected = [e for e in reached if e["pseudo"].get(":path", "").startswith("/evil") or any(
                    f[0] == "x-evil" for f in e["fields"]) or e["pseudo"].get(":authority") == "evil.test"]
                framing = [e for e in reached if sum(f[0] == "content-length" for f in e["fields"]) > 1
                           or {"content-length", "transfer-encoding"} <= {f[0] for f in e["fields"]}]
                line = f"{name}: {what.strip() or 'nothing'}; reached the origin: {told if reached else 'nothing'}"
                if injected or framing or (reached and name not in HARMLESS):
                    wrong.append(line)
                elif reached:
                    accepted.append(line)
                if os.environ.get("VERBOSE"):
                    note(line[:300])
            check(f"nothing malformed reaches the origin by {up}", not wrong, f"{len(list(_malformed()))} cases, {len(wrong)} reached it")
            for line in wrong:
                note("REACHED " + line[:500])
            for line in accepted:
                note("passed  " + line[:300])
        trailers(front)
        upgrades(front)
        unhurt, how, failures = good.stop()
        check("the good client did not notice", unhurt, f"{how} {failures or ''}")


def trailers(front):
    """Trailers that would be framing, pseudo fields or injections."""
    wrong = []
    cases = [("pseudo field", [(":path", "/evil")]), ("content-length", [("content-length", "5")]), ("transfer-encoding", [("transfer-encoding", "chunked")]),
             ("CR LF", [("x-a", "1\r\nx-evil: 1")]), ("host", [("host", "evil.test")]), ("authorization", [("authorization", "evil")]),
             ("connection", [("connection", "close")]), ("upper case", [("X-Evil", "1")])]
    for name, fields in cases:
        mark = front.origins.mark()
        raw = Raw(front.port("h2", "h1"))
        w = raw.wire
        raw.request(1, "/count", False, method="POST")
        raw.frame(w.DATA, 0, 1, b"abc")
        raw.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 1, _literal(raw.encoder, fields))
        raw.read(2, lambda: raw.closed or raw.goaway is not None or 1 in raw.heads or 1 in raw.resets)
        time.sleep(0.05)
        ends = front.origins.since(mark, "ended")
        arrived = [t for e in ends for t in e["trailers"] if t[0] in ("content-length", "transfer-encoding", "host", "x-evil", "connection", ":path")]
        note(f"trailer {name}: {raw.status(1)} {[w.code(c) for c in raw.resets.values()]} arrived {[e['trailers'] for e in ends if e['trailers']]}")
        if arrived:
            wrong.append((name, arrived))
        raw.close()
    check("no trailer arrives that would be framing", not wrong, wrong)


def upgrades(front):
    """`Upgrade: h2c` through an HTTP/1.1 proxy must not reach the origin."""
    wrong = []
    settings = "AAMAAABkAARAAAAAAAIAAAAA"
    cases = {
        "as it should be": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\n",
        "without HTTP2-Settings in Connection": f"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\n",
        "without settings": "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        "two settings": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\nHTTP2-Settings: {settings}\r\n",
        "broken settings": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: !!!\r\n",
        "h2c and websocket": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: {settings}\r\n",
        "upper case": f"Connection: upgrade, http2-settings\r\nUpgrade: H2C\r\nHTTP2-Settings: {settings}\r\n",
        "with a body": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\nContent-Length: 3\r\n",
        "an unknown protocol": "Connection: Upgrade\r\nUpgrade: evil\r\n",
        "TLS": "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    }
    for name, fields in cases.items():
        mark = front.origins.mark()
        with socket.create_connection(("127.0.0.1", front.port("h1", "h1")), timeout=5) as client:
            body = "abc" if "Content-Length" in fields else ""
            client.sendall(f"{'POST' if body else 'GET'} /count HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}".encode())
            client.settimeout(1)
            answer = b""
            try:
                while len(answer) < 12:
                    part = client.recv(4096)
                    if not part:
                        break
                    answer += part
            except OSError:
                pass
        reached = front.origins.since(mark, "request")
        passed = [f for e in reached for f in e["fields"] if f[0] in ("upgrade", "http2-settings") and "websocket" not in f[1]]
        note(f"h2c upgrade, {name}: {answer[:40]!r}, the origin saw {passed or 'no upgrade'}")
        if passed:
            wrong.append((name, passed))
    check("no upgrade to HTTP/2 or to the unknown is passed on", not wrong, wrong)


# ---------------------------------------------------------------- TLS

def tls():
    """Handshakes in storms, half open ones, other protocols on the port, old versions, renegotiation."""
    if not ready():
        return
    with Front.chosen() as front:
        target = front.port("tls-h1", "h1")

        def beside(name, attack, limit=None):
            if not _wanted(name):
                return
            good, before = Good(front), rss(front.pid())
            time.sleep(0.3)
            what = attack()
            unhurt, how, failures = good.stop()
            check(f"{name}: the good client does not notice", unhurt and front.child.poll() is None,
                  f"{what}; RSS {before} to {rss(front.pid())} KiB; good: {how} {failures or ''}")

        def storm():
            end, counts = time.time() + 5, [0] * 8

            def loop(index):
                from peers import client
                context = client.context(None, ["h2"])
                context.options |= ssl.OP_NO_TICKET
                while time.time() < end:
                    try:
                        with socket.create_connection(("127.0.0.1", target), timeout=5) as plain:
                            with context.wrap_socket(plain, server_hostname=HOST):
                                counts[index] += 1
                    except OSError:
                        pass
            threads = [threading.Thread(target=loop, args=(i,)) for i in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
            return f"{sum(counts)} handshakes in 5 s"

        def half_open():
            hello = _hello()
            sockets = []
            for index in range(500):
                client = socket.create_connection(("127.0.0.1", target), timeout=5)
                client.sendall(hello[:random.randrange(1, len(hello))] if index % 2 else hello)
                sockets.append(client)
            time.sleep(2)
            began = time.time()
            closed = 0
            while time.time() - began < 18 and closed < len(sockets):
                closed = 0
                for client in sockets:
                    client.setblocking(False)
                    try:
                        while client.recv(65536):
                            pass
                        closed += 1
                    except BlockingIOError:
                        pass
                    except OSError:
                        closed += 1
                time.sleep(0.5)
            for client in sockets:
                client.close()
            return f"500 begun, {closed} closed after {time.time() - began + 2:.0f} s"

        def slow_hello():
            hello, sockets = _hello(), []
            for _ in range(100):
                sockets.append(socket.create_connection(("127.0.0.1", target), timeout=5))
            ended = 0
            for byte in hello[:60]:
                for client in sockets:
                    try:
                        client.sendall(bytes([byte]))
                    except OSError:
                        ended += 1
                time.sleep(0.05)
            [c.close() for c in sockets]
            return f"100 hellos byte by byte, {ended} writes refused"

        def plain_http():
            seen = []
            for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", os.urandom(2000), b"\x16\x03\x01\xff\xff" + b"x" * 60000,
                         b"\x16\x03\x01\x00\x00" * 1000, b"\x15\x03\x03\x00\x02\x01\x00", b"\x80\x2e\x01\x03\x01" + bytes(41)):
                try:
                    with socket.create_connection(("127.0.0.1", target), timeout=5) as client:
                        client.sendall(data)
                        client.settimeout(2)
                        got = b""
                        try:
                            while part := client.recv(4096):
                                got += part
                            seen.append(f"{got[:12]!r} closed")
                        except socket.timeout:
                            seen.append(f"{got[:12]!r} open")
                except OSError as error:
                    seen.append(type(error).__name__)
            return seen

        def alerts():
            """Warning alerts and empty records inside a session, as fast as they go."""
            hello = _hello()
            with socket.create_connection(("127.0.0.1", target), timeout=5) as client:
                client.sendall(hello)
                sent = 0
                try:
                    for _ in range(20000):
                        client.sendall(b"\x15\x03\x03\x00\x02\x01\x5a" * 10)
                        sent += 10
                except OSError:
                    pass
            return f"{sent} warning alerts before it ended"

        def renegotiate():
            seen = []
            for version in ("-tls1_2", "-tls1_3"):
                import subprocess
                child = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, version, "-legacy_renegotiation"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                try:
                    time.sleep(0.5)
                    child.stdin.write(b"R\n")
                    child.stdin.flush()
                    time.sleep(1)
                    child.stdin.write(b"GET /count HTTP/1.1\r\nHost: h1.test\r\nConnection: close\r\n\r\n")
                    child.stdin.flush()
                    out, _ = child.communicate(timeout=5)
                except Exception as error:
                    child.kill()
                    out = child.stdout.read() if child.stdout else repr(error).encode()
                text = out.decode("latin-1")
                seen.append(f"{version} {'no renegotiation' if 'no renegotiation' in text else 'RENEGOTIATING' if 'RENEGOTIATING' in text else ''}"
                            f"{', then 200' if 'HTTP/1.1 200' in text else ''}")
            return seen

        def key_updates():
            """TLS 1.3 key updates in a row, by openssl's `k`."""
            import subprocess
            child = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, "-tls1_3"],
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            sent = 0
            try:
                time.sleep(0.5)
                for _ in range(300):
                    child.stdin.write(b"K\n")
                    child.stdin.flush()
                    sent += 1
                    time.sleep(0.005)
            except OSError:
                pass
            time.sleep(0.5)
            alive = child.poll() is None
            child.kill()
            child.wait()
            return f"{sent} key updates, {'open' if alive else 'closed'}"

        def gone():
            """Handshakes whose clients leave at once, in each way: no connection stays behind."""
            from peers import client
            before = descriptors(front.pid())
            for index in range(300):
                context = client.context(None, ["h2"] if index % 2 else ["http/1.1"])
                if index % 3 == 0:
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                plain = socket.create_connection(("127.0.0.1", target), timeout=5)
                if index % 5 == 4:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                session = context.wrap_socket(plain, server_hostname=HOST)
                if index % 7 == 6:
                    session.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if index % 2 else b"GET / HT")
                session.close()
            left = until(lambda: descriptors(front.pid()) <= before + 2, 5)
            after = descriptors(front.pid())
            check("gone: no connection stays behind", left, f"{before} descriptors before, {after} after 300 that left")
            return f"{after - before} left"

        beside("gone", gone)
        beside("handshake_storm", storm)
        beside("slow_hello", slow_hello)
        beside("plain_on_tls", plain_http)
        beside("alerts", alerts)
        beside("renegotiation", renegotiate)
        beside("key_updates", key_updates)
        beside("half_open", half_open)
        if _wanted("versions"):
            versions(target)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _hello():
    """A ClientHello as this machine's OpenSSL makes it."""
    from peers import client
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client.context(None, ["h2", "http/1.1"]).wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def versions(target):
    """Which versions and weak ciphers are taken."""
    taken = {}
    for name, options in {"TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                          "TLS 1.2": ["-tls1_2"], "TLS 1.3": ["-tls1_3"],
                          "RC4, 3DES, NULL": ["-tls1_2", "-cipher", "RC4:3DES:NULL:eNULL:@SECLEVEL=0"],
                          "anonymous": ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
                          "CBC": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0"],
                          "static RSA": ["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"],
                          "ECDHE GCM": ["-tls1_2", "-cipher", "ECDHE+AESGCM"], "ECDHE CHACHA": ["-tls1_2", "-cipher", "ECDHE+CHACHA20"],
                          "compression": ["-tls1_2", "-comp"], "SSL 3": ["-ssl3"]}.items():
        text, _ = run(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, *options], timeout=10)
        taken[name] = "Cipher is (NONE)" not in text and "Cipher is" in text or ("New, TLSv1.3" in text)
        if name == "compression":
            taken[name] = "Compression: NONE" not in text and "Compression:" in text
    check("TLS 1.2 and 1.3 with ECDHE and AEAD are taken", taken["TLS 1.2"] and taken["TLS 1.3"] and taken["ECDHE GCM"], taken)
    check("older versions, weak ciphers and compression are not", not any(
        taken[name] for name in ("TLS 1.0", "TLS 1.1", "RC4, 3DES, NULL", "anonymous", "compression", "SSL 3")))
