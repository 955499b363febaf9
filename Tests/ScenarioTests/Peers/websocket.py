#!/usr/bin/python3
"""WebSocket echo by the websockets package, and clients over HTTP/1.1 (the same package) and HTTP/2 (RFC 8441, by h2).

    websocket.py serve PORT             echoes; refuses /refused with 403 and says `ready`
    websocket.py client PORT HOST       talks over HTTP/1.1 and prints what it saw as JSON
    websocket.py client2 PORT HOST      the same over HTTP/2
"""

import asyncio
import http
import json
import os
import sys
import threading

import websockets

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


async def serve(port):
    async def echo(socket):
        async for message in socket:
            if message == "bye":
                return await socket.close(4001, "as asked")
            await socket.send(message)

    async def first(path, headers):
        if path == "/refused":
            return http.HTTPStatus.FORBIDDEN, [("X-Why", "no")], b"not here"

    async with websockets.serve(echo, "127.0.0.1", port, process_request=first, max_size=1 << 24, subprotocols=["chat"]):
        print("ready", flush=True)
        await asyncio.Event().wait()


async def client(port, host):
    saw = {}
    async with websockets.connect(f"ws://{host}/echo", host="127.0.0.1", port=port, max_size=1 << 24, subprotocols=["chat"]) as socket:
        saw["subprotocol"] = socket.subprotocol
        await socket.send("hello")
        saw["text"] = await socket.recv()
        large = os.urandom(3_000_000)
        await socket.send(large)
        saw["large"] = await socket.recv() == large
        pong = await socket.ping(b"p")
        await asyncio.wait_for(pong, 30)
        saw["pong"] = True
        # Silence, and then bytes again: nothing ends meanwhile.
        await asyncio.sleep(1)
        await socket.send("after")
        saw["after"] = await socket.recv()
        await socket.send("bye")
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            saw["closed"] = [closed.rcvd.code, closed.rcvd.reason] if closed.rcvd else None
    print(json.dumps(saw))


def frame(payload, opcode=1):
    """A masked frame of a client."""
    mask = b"\x01\x02\x03\x04"
    size = len(payload)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big") if size < 65536
                                     else bytes([0xFF]) + size.to_bytes(8, "big"))
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


async def client2(port, host):
    import h2peer
    saw = {}
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    wire = h2peer.Connection(reader, writer, True)
    wire.begin()
    await asyncio.wait_for(wire.settled.wait(), 30)
    saw["enabled"] = wire.h2.remote_settings.enable_connect_protocol
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/echo"), (":authority", host),
              ("sec-websocket-version", "13"), ("sec-websocket-protocol", "chat")]
    stream = wire.open(fields, False)
    kind, head = await asyncio.wait_for(stream.events.get(), 30)
    saw["head"] = [[n, v] for n, v in head] if kind == "head" else kind

    async def receive(count):
        got = b""
        while len(got) < count:
            kind, data = await asyncio.wait_for(stream.events.get(), 30)
            if kind != "data":
                return got + kind.encode()
            got += data
        return got

    await wire.data(stream, frame(b"hello"))
    saw["text"] = (await receive(7))[2:].decode()
    large = bytes(range(256)) * 1000
    await wire.data(stream, frame(large, 2))
    saw["large"] = (await receive(len(large) + 10))[10:] == large
    await wire.data(stream, frame(b"bye"))
    saw["closed"] = (await receive(4 + 8))[4:].decode("latin-1")
    # The other side ended; so does this one.
    await wire.data(stream, frame((1000).to_bytes(2, "big"), 8), True)
    kind = "data"
    while kind == "data":
        kind, _ = await asyncio.wait_for(stream.events.get(), 30)
    saw["end"] = kind
    refused = wire.open([(n, "/refused" if n == ":path" else v) for n, v in fields], False)
    kind, head = await asyncio.wait_for(refused.events.get(), 30)
    saw["refused"] = dict(head).get(":status") if kind == "head" else kind
    print(json.dumps(saw))


def end_with_the_test():
    sys.stdin.read()
    os._exit(0)


if sys.argv[1] == "serve":
    threading.Thread(target=end_with_the_test, daemon=True).start()
    asyncio.run(serve(int(sys.argv[2])))
else:
    asyncio.run({"client": client, "client2": client2}[sys.argv[1]](int(sys.argv[2]), sys.argv[3]))
