"""HTTP/2 as both peers of the scenarios speak it: python's h2 under asyncio, a queue of events for each stream."""

import asyncio

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

# What is under way goes on behind a GOAWAY (RFC 9113 section 6.8); h2 takes the connection for closed.
_open, _goaway = h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY
h2.connection.H2ConnectionStateMachine._transitions[(_open, _goaway)] = (None, _open)


class Stream:
    def __init__(self, number):
        self.number = number
        self.events = asyncio.Queue()
        self.open = True


class Connection:
    """`on_stream(connection, stream, fields)` is started as a task for each stream that the other side opens."""

    def __init__(self, reader, writer, client, settings=None, on_stream=None, credits=True):
        self.reader, self.writer, self.on_stream, self.credits = reader, writer, on_stream, credits
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="utf-8", validate_outbound_headers=False,
            normalize_outbound_headers=False, validate_inbound_headers=False))
        if settings:
            own = {**dict(self.h2.local_settings.items()), **settings}
            self.h2.local_settings = h2.settings.Settings(client=client, initial_values=own)
        self.streams, self.goaways, self.ended = {}, [], asyncio.Event()
        self.settled, self.window = asyncio.Event(), asyncio.Condition()

    def begin(self):
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.flush()
        return asyncio.ensure_future(self.run())

    def flush(self):
        data = self.h2.data_to_send()
        if data and not self.writer.is_closing():
            self.writer.write(data)

    async def run(self):
        try:
            while data := await self.reader.read(1 << 16):
                for event in self.h2.receive_data(data):
                    await self.take(event)
                self.flush()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.error = error
        self.ended.set()
        for stream in list(self.streams.values()):
            stream.open = False
            stream.events.put_nowait(("closed", None))
        async with self.window:
            self.window.notify_all()

    async def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = Stream(event.stream_id)
            if self.on_stream:
                asyncio.ensure_future(self.on_stream(self, stream, event.headers))
            return
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaways.append([event.last_stream_id, int(event.error_code)])
            for number, stream in list(self.streams.items()):
                if self.h2.config.client_side and number > event.last_stream_id:
                    stream.open = False
                    stream.events.put_nowait(("unprocessed", None))
            return
        if isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.settled.set()
            async with self.window:
                self.window.notify_all()
            return
        stream = self.streams.get(getattr(event, "stream_id", None))
        if stream is None:
            return
        if isinstance(event, h2.events.DataReceived):
            stream.events.put_nowait(("data", event.data))
            if self.credits and event.flow_controlled_length:
                self.credit(stream.number, event.flow_controlled_length)
        elif isinstance(event, h2.events.InformationalResponseReceived):
            pass
        elif isinstance(event, h2.events.ResponseReceived):
            stream.events.put_nowait(("head", event.headers))
        elif isinstance(event, h2.events.TrailersReceived):
            stream.events.put_nowait(("trailers", event.headers))
        elif isinstance(event, h2.events.StreamEnded):
            stream.events.put_nowait(("end", None))
        elif isinstance(event, h2.events.StreamReset):
            stream.open = False
            stream.events.put_nowait(("reset", int(event.error_code)))
            async with self.window:
                self.window.notify_all()

    def credit(self, number, count):
        try:
            self.h2.acknowledge_received_data(count, number)
        except (h2.exceptions.ProtocolError, ValueError):
            pass
        self.flush()

    def open(self, fields, end):
        number = self.h2.get_next_available_stream_id()
        stream = self.streams[number] = Stream(number)
        self.h2.send_headers(number, fields, end_stream=end)
        self.flush()
        return stream

    def head(self, stream, fields, end=False):
        if stream.open and not self.ended.is_set():
            self.h2.send_headers(stream.number, fields, end_stream=end)
            self.flush()

    async def data(self, stream, data, end=False):
        """Sends within the windows. False: the stream ended meanwhile."""
        data = memoryview(data)
        while True:
            if not stream.open or self.ended.is_set():
                return False
            try:
                room = min(self.h2.local_flow_control_window(stream.number), self.h2.max_outbound_frame_size)
                if data and room <= 0:
                    async with self.window:
                        await self.window.wait()
                    continue
                part, data = data[:room], data[room:]
                self.h2.send_data(stream.number, bytes(part), end_stream=end and not data)
            except h2.exceptions.ProtocolError:
                return False
            self.flush()
            await self.writer.drain()
            if not data:
                return True

    def reset(self, stream, code=h2.errors.ErrorCodes.CANCEL):
        if stream.open and not self.ended.is_set():
            stream.open = False
            try:
                self.h2.reset_stream(stream.number, code)
            except h2.exceptions.ProtocolError:
                pass
            self.flush()


# ---------------------------------------------------------------- HTTP/1.1

async def read_head(reader):
    """The first line and the fields; None at the end."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, OSError):
        return None
    lines = text[:-4].split("\r\n")
    return lines[0], [[n.strip().lower(), v.strip()] for n, v in (line.split(":", 1) for line in lines[1:])]


def value(fields, name):
    return next((v for n, v in fields if n == name), None)


async def read_body(reader, fields, until_end=False):
    """Body, trailers, and whether it is whole."""
    body, trailers = b"", []
    try:
        if "chunked" in (value(fields, "transfer-encoding") or ""):
            while True:
                size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
                if size == 0:
                    break
                body += (await reader.readexactly(size + 2))[:-2]
            while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
                name, text = line.decode("latin-1").split(":", 1)
                trailers.append([name.strip().lower(), text.strip()])
        elif (length := value(fields, "content-length")) is not None:
            body = await reader.readexactly(int(length))
        elif until_end:
            body = await reader.read(-1)
    except (asyncio.IncompleteReadError, OSError) as error:
        return body + getattr(error, "partial", b""), trailers, False
    return body, trailers, True


def fields_text(fields):
    return "".join(f"{n}: {v}\r\n" for n, v in fields)
