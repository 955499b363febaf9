#!/usr/bin/env python3
"""A WebSocket echo server: peers/ws_echo.py PORT [CERT KEY]. Needs `websockets` from PyPI, of which it takes the protocol alone:
frames are answered in their order, so that the same bytes always get the same answer, however they are cut.

/echo       says everything again             /drop    drops the TCP connection after the first message
/talk       sends 100 messages, then closes    /close   closes with 4001 after the first message
/refuse     answers 403
"""

import asyncio
import codecs
import http
import ssl
import sys

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol



class Pieces:
    """Cuts what comes at the ends of frames, so that each is answered before the next is looked at."""

    def __init__(self):
        self.head, self.left, self.hello = b"", 0, b""

    def cut(self, data):
        at = begin = 0
        while at < len(data):
            if not self.hello.endswith(b"\r\n\r\n"):
                self.hello = (self.hello + data[at:at + 1])[-4:]
                at += 1
                if self.hello != b"\r\n\r\n":
                    continue
            elif self.left:
                step = min(self.left, len(data) - at)
                self.left -= step
                at += step
                if self.left:
                    continue
            else:
                self.head += data[at:at + 1]
                at += 1
                if not self.complete():
                    continue
            yield data[begin:at]
            begin = at
        if begin < at:
            yield data[begin:at]

    def complete(self):
        """Whether the header ends here and no payload follows."""
        head = self.head
        if len(head) < 2:
            return False
        size, wide = head[1] & 0x7f, {126: 2, 127: 8}.get(head[1] & 0x7f, 0)
        if len(head) < 2 + wide + (4 if head[1] & 0x80 else 0):
            return False
        self.left = int.from_bytes(head[2:2 + wide], "big") if wide else size
        self.head = b""
        return not self.left


class Talk:
    def __init__(self, reader, writer):
        self.reader, self.writer, self.path, self.pieces = reader, writer, "", Pieces()
        self.protocol = ServerProtocol(select_subprotocol=lambda _, offered: offered[0] if offered else None, max_size=None,
                                       extensions=[ServerPerMessageDeflateFactory()])
        self.decoder, self.text = codecs.getincrementaldecoder("utf-8")(), False

    def begin(self, request):
        self.path = request.path
        if self.path == "/refuse":
            return self.protocol.send_response(self.protocol.reject(http.HTTPStatus.FORBIDDEN, "no\n"))
        self.protocol.send_response(self.protocol.accept(request))
        if self.path == "/talk":
            for index in range(100):
                self.protocol.send_text(f"message {index}".encode())
            self.protocol.send_close(1000, "said")

    def frame(self, frame):
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self.text = frame.opcode is Opcode.TEXT
            self.decoder.reset()
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT) or self.protocol.state is not OPEN:
            return
        if self.text:
            try:
                self.decoder.decode(bytes(frame.data), frame.fin)
            except UnicodeDecodeError:
                return self.protocol.fail(1007, "not UTF-8")
        if self.path == "/drop":
            return self.writer.transport.abort()
        if self.path == "/close":
            return self.protocol.send_close(4001, "enough")
        send = {Opcode.TEXT: self.protocol.send_text, Opcode.BINARY: self.protocol.send_binary}.get(frame.opcode, self.protocol.send_continuation)
        send(frame.data, frame.fin)

    def feed(self, data):
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.begin(event)
            else:
                self.frame(event)

    def flush(self):
        """Whether all is said."""
        for data in self.protocol.data_to_send():
            if not data:
                if self.writer.can_write_eof():
                    self.writer.write_eof()
                return True
            self.writer.write(data)
        return False

    async def run(self):
        try:
            while data := await self.reader.read(65536):
                for piece in self.pieces.cut(data):
                    self.feed(piece)
                over = self.flush()
                await self.writer.drain()
                if over or self.protocol.close_expected() and self.protocol.handshake_exc:
                    break
        except (ConnectionError, OSError):
            pass
        finally:
            print("ended", self.path, self.protocol.close_code, flush=True)
            self.writer.close()


async def main():
    tls = None
    if len(sys.argv) > 2:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(sys.argv[2], sys.argv[3])

    async def accept(reader, writer):
        await Talk(reader, writer).run()

    server = await asyncio.start_server(accept, "127.0.0.1", int(sys.argv[1]), ssl=tls, backlog=512)
    await server.serve_forever()


asyncio.run(main())
