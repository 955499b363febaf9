#!/usr/bin/python3
"""gRPC by python's grpcio, without generated code: messages are bytes.

    grpc_peer.py serve PORT             the service `scenario.Echo` and the health service
    grpc_peer.py client PORT AUTHORITY [CASE]   runs the calls, or one, and prints what came of them as JSON
"""

import json
import os
import sys
import threading
import time
from concurrent import futures

import grpc


def unary(request, context):
    context.send_initial_metadata((("x-initial", "i"),))
    context.set_trailing_metadata((("x-trailing", "t"),))
    return b"echo:" + request


def fail(request, context):
    context.set_trailing_metadata((("x-detail-bin", b"\x00\x01\xff"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not so: 100% \u00e4")


def slow(request, context):
    stopped = threading.Event()
    context.add_callback(stopped.set)
    stopped.wait(30)
    return b""


def server_stream(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def client_stream(requests, context):
    return b"%d" % sum(len(r) for r in requests)


def both(requests, context):
    for request in requests:
        yield request.upper()


def check(request, context):
    return b"\x08\x01"  # status: SERVING


def serve(port):
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((
        grpc.method_handlers_generic_handler("scenario.Echo", {
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
            "Fail": grpc.unary_unary_rpc_method_handler(fail),
            "Slow": grpc.unary_unary_rpc_method_handler(slow),
            "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
            "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
            "Both": grpc.stream_stream_rpc_method_handler(both)}),
        grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
            "Check": grpc.unary_unary_rpc_method_handler(check)})))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    sys.stdin.read()
    os._exit(0)


def told(error):
    return {"code": error.code().name, "details": error.details(),
            "trailing": [[k, v if isinstance(v, str) else v.hex()] for k, v in error.trailing_metadata() or ()]}


class Calls:
    def __init__(self, port, authority):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=[
            ("grpc.default_authority", authority), ("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0),
            ("grpc.max_receive_message_length", 1 << 24)])

    def unary(self):
        answer, call = self.channel.unary_unary("/scenario.Echo/Unary").with_call(b"hello", timeout=30)
        return {"answer": answer.decode(), "initial": [list(m) for m in call.initial_metadata() if m[0] == "x-initial"],
                "trailing": [list(m) for m in call.trailing_metadata()]}

    def large(self):
        return {"length": len(self.channel.unary_unary("/scenario.Echo/Unary")(b"x" * 3_000_000, timeout=60))}

    def serverStream(self):
        return {"answers": [int(m) for m in self.channel.unary_stream("/scenario.Echo/ServerStream")(b"200", timeout=30)]}

    def clientStream(self):
        return {"answer": self.channel.stream_unary("/scenario.Echo/ClientStream")(iter([b"abc"] * 100), timeout=30).decode()}

    def both(self):
        """Each message waits for the answer to the one before: nothing may be held back."""
        turn = threading.Semaphore(1)

        def messages():
            for number in range(20):
                turn.acquire()
                yield b"message %d" % number

        answers = []
        for answer in self.channel.stream_stream("/scenario.Echo/Both")(messages(), timeout=30):
            answers.append(answer.decode())
            turn.release()
        return {"answers": answers}

    def fail(self):
        return self.channel.unary_unary("/scenario.Echo/Fail")(b"", timeout=30)

    def unknown(self):
        return self.channel.unary_unary("/scenario.Echo/Unknown")(b"", timeout=30)

    def health(self):
        return {"answer": self.channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30).hex()}

    def deadline(self):
        began = time.monotonic()
        try:
            self.channel.unary_unary("/scenario.Echo/Slow")(b"", timeout=1)
        finally:
            self.took = time.monotonic() - began


def client(port, authority, names):
    calls, saw = Calls(port, authority), {}
    for name in names or ["unary", "large", "serverStream", "clientStream", "both", "fail", "unknown", "health", "deadline"]:
        try:
            saw[name] = getattr(calls, name)()
        except grpc.RpcError as error:
            saw[name] = told(error)
    print(json.dumps(saw))


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    client(int(sys.argv[2]), sys.argv[3], sys.argv[4:])
