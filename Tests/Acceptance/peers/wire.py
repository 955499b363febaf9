"""HTTP/1.1 and HTTP/2 as both sides of a test need them: every moment is the test's own choice.

A `Stream` is one exchange, whatever carries it. It is told to send a head, bytes, trailers or a reset, and it queues what arrives
as events: ("head", [(name, value)]), ("informational", fields), ("data", bytes), ("trailers", fields), ("end",), ("reset", code).
Heads are written with pseudo fields on both carriers; HTTP/1.1 turns them into its first line. Needs `hpack` from PyPI.
"""

import asyncio
import socket
import struct

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, \
    CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED = range(14)
CODES = ["NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED", "FRAME_SIZE_ERROR",
         "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"]
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8


def code(number):
    return CODES[number] if isinstance(number, int) and 0 <= number < len(CODES) else str(number)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", k, v) for k, v in values.items()))


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


class Closed(Exception):
    """The connection ended."""


class Stream:
    """One exchange on one connection."""

    def __init__(self, connection, number=0):
        self.connection, self.number = connection, number
        self.events = asyncio.Queue()
        self.window = connection.peer_window if isinstance(connection, H2) else 0
        self.moved = asyncio.Event()
        self.sent_head = self.sent_end = self.got_head = self.got_end = self.dead = False
        self.given_back = True   # Whether windows are replenished as data is read.
        self.owed = 0

    def put(self, *event):
        if event[0] in ("end", "reset"):
            if self.got_end and event[0] == "end":
                return
            self.got_end = True
        if event[0] == "reset":
            self.dead = True
            self.moved.set()
        self.events.put_nowait(event)

    async def next(self, seconds=10):
        """The next event, or ("silence",)."""
        try:
            event = await asyncio.wait_for(self.events.get(), seconds)
        except asyncio.TimeoutError:
            return ("silence",)
        if event[0] == "data":
            self.connection.consumed(self, len(event[1]))
        return event

    async def head(self, fields, end=False):
        await self.connection.send_head(self, fields, end)

    async def data(self, body, end=False):
        await self.connection.send_data(self, body, end)

    async def trailers(self, fields):
        await self.connection.send_trailers(self, fields)

    async def end(self):
        await self.connection.send_data(self, b"", True)

    async def reset(self, number=CANCEL):
        await self.connection.reset(self, number)


class Exchange:
    """Everything that came back of a stream."""

    def __init__(self):
        self.fields, self.trailers, self.informational = [], [], []
        self.body, self.ended, self.reset, self.order = b"", False, None, []

    @property
    def status(self):
        return int(self.get(":status") or 0)

    def get(self, name):
        values = [v for n, v in self.fields if n == name]
        return values[0] if values else None

    def all(self, name):
        return [v for n, v in self.fields if n == name]

    def trailer(self, name):
        values = [v for n, v in self.trailers if n == name]
        return values[0] if values else None

    def add(self, event):
        kind = event[0]
        if not self.order or self.order[-1] != kind:
            self.order.append(kind)
        if kind == "head":
            self.fields = event[1]
        elif kind == "informational":
            self.informational.append(event[1])
        elif kind == "data":
            self.body += event[1]
        elif kind == "trailers":
            self.trailers = event[1]
        elif kind == "end":
            self.ended = True
        elif kind == "reset":
            self.reset = event[1]

    def __repr__(self):
        return f"{self.status} {len(self.body)} bytes {'ended' if self.ended else 'open'} " \
               f"{'' if self.reset is None else 'reset ' + code(self.reset) + ' '}trailers {self.trailers} after {self.order}"


async def collect(stream, seconds=10, until=None):
    """Reads a stream to its end, its reset or a silence."""
    got = Exchange()
    while True:
        event = await stream.next(seconds)
        got.add(event)
        if event[0] in ("end", "reset", "silence") or (until and until(got)):
            return got


# ---------------------------------------------------------------- HTTP/2

class H2:
    """One HTTP/2 connection, either side. `serve(stream)` is started for each stream that the peer opens."""

    def __init__(self, reader, writer, server=False, serve=None, own=None, connection_window=65535, first=None):
        self.reader, self.writer, self.server, self.serve = reader, writer, server, serve
        self.own = dict(own or {})
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 20
        self.decoder.max_allowed_table_size = self.own.get(HEADER_TABLE_SIZE, 4096)
        self.streams, self.next_number, self.highest = {}, 1, 0
        self.peer = {INITIAL_WINDOW_SIZE: 65535, MAX_FRAME_SIZE: 16384, MAX_CONCURRENT_STREAMS: 2 ** 31}
        self.peer_window, self.window, self.moved = 65535, 65535, asyncio.Event()
        self.settled, self.goaway, self.closed = asyncio.Event(), None, asyncio.Event()
        self.pings, self.frames = [], []
        self.tasks = set()
        self.writer.write((b"" if server else PREFACE) + settings(self.own))
        if connection_window > 65535:
            self.writer.write(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", connection_window - 65535)))
        self.first = first
        self.task = asyncio.ensure_future(self._read())

    async def _read(self):
        try:
            if self.server and self.first is not False:
                got = await self.reader.readexactly(len(PREFACE))
                if got != PREFACE:
                    raise Closed(f"not a preface: {got!r}")
            block, owner, flags_then = b"", 0, 0
            while True:
                head = await self.reader.readexactly(9)
                length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                number = int.from_bytes(head[5:], "big") & 0x7fffffff
                payload = await self.reader.readexactly(length)
                self.frames.append((kind, flags, number, length))
                if len(self.frames) > 10000:
                    del self.frames[:5000]
                if kind in (DATA, HEADERS) and flags & PADDED:
                    padding = payload[0]
                    payload = payload[1:len(payload) - padding]
                if kind == HEADERS:
                    if flags & WITH_PRIORITY:
                        payload = payload[5:]
                    block, owner, flags_then = payload, number, flags
                    if flags & END_HEADERS:
                        self._head(owner, block, flags_then)
                elif kind == CONTINUATION:
                    block += payload
                    if flags & END_HEADERS:
                        self._head(owner, block, flags_then)
                elif kind == DATA:
                    self._data(number, payload, flags, length)
                elif kind == SETTINGS and not flags & ACK:
                    self._settings(payload)
                elif kind == PING:
                    if flags & ACK:
                        self.pings.append(payload)
                    else:
                        self.writer.write(frame(PING, ACK, 0, payload))
                elif kind == WINDOW_UPDATE:
                    more = int.from_bytes(payload, "big") & 0x7fffffff
                    if number == 0:
                        self.window += more
                        self.moved.set()
                    elif number in self.streams:
                        self.streams[number].window += more
                        self.streams[number].moved.set()
                elif kind == RST_STREAM:
                    if number in self.streams:
                        self.streams[number].put("reset", int.from_bytes(payload, "big"))
                elif kind == GOAWAY:
                    last, reason = struct.unpack(">II", payload[:8])
                    self.goaway = (last & 0x7fffffff, reason, payload[8:])
        except (asyncio.IncompleteReadError, ConnectionError, OSError, Closed, hpack.HPACKError) as error:
            self.error = error
        finally:
            self.closed.set()
            self.moved.set()
            self.settled.set()
            for stream in self.streams.values():
                if not stream.got_end:
                    stream.put("reset", "closed" if self.goaway is None else f"closed after GOAWAY {code(self.goaway[1])}")
            self.writer.close()

    def _head(self, number, block, flags):
        fields = [(text(n), text(v)) for n, v in self.decoder.decode(block, raw=True)]
        stream = self.streams.get(number)
        if stream is None:
            if not self.server:
                return
            stream = self.streams[number] = Stream(self, number)
            self.highest = max(self.highest, number)
        if stream.got_head:
            stream.put("trailers", fields)
        elif not self.server and dict(fields).get(":status", "").startswith("1") and dict(fields).get(":status") != "101":
            stream.put("informational", fields)
            return
        else:
            stream.got_head = True
            stream.put("head", fields)
            if self.server and self.serve:
                self.spawn(self.serve(stream))
        if flags & END_STREAM:
            stream.put("end")

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def _data(self, number, payload, flags, length):
        stream = self.streams.get(number)
        if stream is None or stream.dead:
            self._give(0, length)
            return
        if payload:
            stream.owed += length - len(payload)
            stream.put("data", payload)
        else:
            self._give(0, length)
        if flags & END_STREAM:
            stream.put("end")

    def _settings(self, payload):
        for at in range(0, len(payload), 6):
            key, value = struct.unpack(">HI", payload[at:at + 6])
            if key == INITIAL_WINDOW_SIZE:
                for stream in self.streams.values():
                    stream.window += value - self.peer[INITIAL_WINDOW_SIZE]
                    stream.moved.set()
                self.peer_window = value
            if key == HEADER_TABLE_SIZE:
                self.encoder.header_table_size = min(value, 4096)
            self.peer[key] = value
        self.writer.write(frame(SETTINGS, ACK))
        self.settled.set()

    def _give(self, number, count):
        if count and not self.closed.is_set():
            self.writer.write(frame(WINDOW_UPDATE, 0, number, struct.pack(">I", count)))

    def consumed(self, stream, count):
        """The test has read bytes: windows open again unless the stream says to hold them."""
        if not stream.given_back:
            return
        count += stream.owed
        stream.owed = 0
        self._give(0, count)
        if not stream.got_end:
            self._give(stream.number, count)

    def open(self):
        stream = Stream(self, self.next_number)
        self.next_number += 2
        self.streams[stream.number] = stream
        return stream

    def _headers(self, stream, fields, end):
        block = self.encoder.encode([(n.encode("latin-1"), v.encode("latin-1")) for n, v in fields])
        size, flags = self.peer[MAX_FRAME_SIZE], END_STREAM if end else 0
        parts = [block[at:at + size] for at in range(0, len(block), size)] or [b""]
        for index, part in enumerate(parts):
            last = END_HEADERS if index == len(parts) - 1 else 0
            self.writer.write(frame(HEADERS if index == 0 else CONTINUATION, (flags if index == 0 else 0) | last, stream.number, part))

    async def send_head(self, stream, fields, end):
        self._headers(stream, fields, end)
        stream.sent_end = stream.sent_end or end
        await self._drain()

    async def send_trailers(self, stream, fields):
        self._headers(stream, fields, True)
        stream.sent_end = True
        await self._drain()

    async def send_data(self, stream, body, end):
        view = memoryview(bytes(body))
        if not view:
            if end:
                self.writer.write(frame(DATA, END_STREAM, stream.number))
                stream.sent_end = True
            return await self._drain()
        while view:
            while min(stream.window, self.window) <= 0:
                if self.closed.is_set() or stream.dead:
                    raise Closed("reset or closed while sending")
                stream.moved.clear()
                self.moved.clear()
                await asyncio.wait([asyncio.ensure_future(stream.moved.wait()), asyncio.ensure_future(self.moved.wait())],
                                   return_when=asyncio.FIRST_COMPLETED)
            if self.closed.is_set() or stream.dead:
                raise Closed("reset or closed while sending")
            part = view[:min(stream.window, self.window, self.peer[MAX_FRAME_SIZE])]
            view = view[len(part):]
            stream.window -= len(part)
            self.window -= len(part)
            self.writer.write(frame(DATA, END_STREAM if end and not view else 0, stream.number, bytes(part)))
            await self._drain()
        stream.sent_end = stream.sent_end or end

    async def _drain(self):
        try:
            await self.writer.drain()
        except OSError as error:
            raise Closed(str(error))

    async def reset(self, stream, number=CANCEL):
        self.writer.write(frame(RST_STREAM, 0, stream.number, struct.pack(">I", number)))
        stream.dead = True
        await self._drain()

    async def ping(self, seconds=5):
        """Whether a ping comes back."""
        before = len(self.pings)
        self.writer.write(frame(PING, 0, 0, b"12345678"))
        for _ in range(int(seconds * 100)):
            if len(self.pings) > before or self.closed.is_set():
                break
            await asyncio.sleep(0.01)
        return len(self.pings) > before

    def go_away(self, last=None, number=NO_ERROR):
        self.writer.write(frame(GOAWAY, 0, 0, struct.pack(">II", self.highest if last is None else last, number)))

    async def close(self):
        self.task.cancel()
        for task in list(self.tasks):
            task.cancel()
        self.writer.close()
        self.closed.set()


# ---------------------------------------------------------------- HTTP/1.1

class H1:
    """One HTTP/1.1 connection, either side. Exchanges follow one another; a reset is the connection's end."""

    def __init__(self, reader, writer, server=False, serve=None, before=b""):
        self.reader, self.writer, self.server, self.serve = reader, writer, server, serve
        self.before, self.closed, self.goaway = before, asyncio.Event(), None
        self.stream, self.task, self.tasks = None, None, set()
        self.chunked, self.upgraded = {}, None
        if server:
            self.task = asyncio.ensure_future(self._serve())

    async def line(self):
        got = self.before + await self.reader.readuntil(b"\n")
        self.before = b""
        return got.rstrip(b"\r\n")

    async def fields(self):
        found = []
        while True:
            line = await self.line()
            if not line:
                return found
            name, _, value = line.partition(b":")
            found.append((text(name).lower(), text(value.strip())))

    async def _body(self, stream, fields, none, to_end):
        known = dict(fields)
        if none:
            pass
        elif "chunked" in known.get("transfer-encoding", "").lower():
            while True:
                size = int((await self.line()).split(b";")[0], 16)
                if size == 0:
                    break
                while size:
                    part = await self.reader.read(min(size, 65536))
                    if not part:
                        raise asyncio.IncompleteReadError(b"", size)
                    size -= len(part)
                    stream.put("data", part)
                await self.line()
            trailers = await self.fields()
            if trailers:
                stream.put("trailers", trailers)
        elif "content-length" in known:
            left = int(known["content-length"])
            while left:
                part = await self.reader.read(min(left, 65536))
                if not part:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(part)
                stream.put("data", part)
        elif to_end:
            while part := await self.reader.read(65536):
                stream.put("data", part)
            self.closed.set()
        stream.put("end")

    async def _serve(self):
        try:
            while True:
                first = await self.line()
                if not first:
                    continue
                method, path, version = (text(first).split(" ") + ["", ""])[:3]
                fields = await self.fields()
                known = dict(fields)
                pseudo = [(":method", method), (":scheme", "https" if self.writer.get_extra_info("ssl_object") else "http"),
                          (":authority", known.get("host", "")), (":path", path)]
                stream = self.stream = Stream(self)
                stream.got_head, stream.method, stream.version, stream.first = True, method, version, text(first)
                stream.put("head", pseudo + fields)
                answer = asyncio.ensure_future(self.serve(stream))
                self.tasks.add(answer)
                upgrade = "upgrade" in known.get("connection", "").lower() and "websocket" in known.get("upgrade", "").lower()
                try:
                    await self._body(stream, fields, upgrade or method == "CONNECT", False)
                except (asyncio.IncompleteReadError, ConnectionError, ValueError, OSError):
                    stream.put("reset", "closed")
                    raise
                await answer
                if known.get("connection", "").lower() == "close" or version == "HTTP/1.0" or stream.dead or self.closed.is_set():
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError, OSError, Closed):
            pass
        finally:
            self.closed.set()
            if self.stream and not self.stream.got_end:
                self.stream.put("reset", "closed")
            if self.tasks:
                await asyncio.wait(self.tasks, timeout=30)
            self.writer.close()

    def open(self):
        self.stream = Stream(self)
        return self.stream

    async def _answer(self, stream, method):
        try:
            while True:
                line = await self.line()
                status = text(line).split(" ")[1]
                fields = await self.fields()
                head = [(":status", status)] + fields
                if status.startswith("1") and status != "101":
                    stream.put("informational", head)
                    continue
                stream.got_head = True
                stream.put("head", head)
                none = method == "HEAD" or status in ("204", "304") or (method == "CONNECT" and status[0] == "2")
                if status == "101":
                    self.upgraded = True
                    return
                await self._body(stream, fields, none, True)
                return
        except (asyncio.IncompleteReadError, ConnectionError, IndexError, ValueError, OSError):
            stream.put("reset", "closed")
            self.closed.set()

    async def send_head(self, stream, fields, end):
        known = dict(fields)
        lines = [f"{n}: {v}" for n, v in fields if not n.startswith(":")]
        names = {n.lower() for n, _ in fields}
        self.chunked[stream] = False
        if self.server:
            status = known[":status"]
            lines.insert(0, f"HTTP/1.1 {status} {'OK' if status == '200' else 'Answer'}")
            bodiless = status[0] == "1" or status in ("204", "304") or getattr(stream, "method", "") == "HEAD"
            if not bodiless and not names & {"content-length", "transfer-encoding"}:
                if end:
                    lines.append("content-length: 0")
                else:
                    lines.append("transfer-encoding: chunked")
                    self.chunked[stream] = True
            elif "transfer-encoding" in names:
                self.chunked[stream] = True
        else:
            method = known.get(":method", "GET")
            lines.insert(0, f"{method} {known.get(':path', '/')} HTTP/1.1")
            if "host" not in names:
                lines.insert(1, f"host: {known.get(':authority', 'localhost')}")
            if end and method in ("POST", "PUT") and "content-length" not in names:
                lines.append("content-length: 0")
            elif not end and not names & {"content-length", "transfer-encoding", "upgrade"} and method != "CONNECT":
                lines.append("transfer-encoding: chunked")
                self.chunked[stream] = True
            elif "transfer-encoding" in names:
                self.chunked[stream] = True
            self.tasks.add(asyncio.ensure_future(self._answer(stream, method)))
        stream.sent_end = end
        await self._write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    async def send_data(self, stream, body, end):
        if self.chunked.get(stream):
            body = (b"%x\r\n" % len(body) + body + b"\r\n" if body else b"") + (b"0\r\n\r\n" if end else b"")
        await self._write(bytes(body))

    async def send_trailers(self, stream, fields):
        if self.chunked.get(stream):
            await self._write(b"0\r\n" + b"".join(f"{n}: {v}\r\n".encode("latin-1") for n, v in fields) + b"\r\n")

    async def _write(self, data):
        if self.closed.is_set():
            raise Closed("the connection is closed")
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError as error:
            raise Closed(str(error))

    def consumed(self, stream, count):
        pass

    async def reset(self, stream, number=CANCEL):
        """A reset of the connection itself."""
        raw = self.writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.dead = True
        self.closed.set()
        self.writer.transport.abort()

    async def close(self):
        for task in list(self.tasks) + ([self.task] if self.task else []):
            task.cancel()
        self.writer.close()
        self.closed.set()
