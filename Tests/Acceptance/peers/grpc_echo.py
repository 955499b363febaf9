#!/usr/bin/env python3
"""A gRPC service of our own: echo in all four shapes, trailers, statuses, health. No .proto: messages are bytes as they are.

    peers/grpc_echo.py PORT [--cert FILE --key FILE [--client-ca FILE]]

Service `outrider.Echo`: Unary, Client (joins), Server (one message a line of the request), Bidi. Metadata of the request steers:
`x-code` and `x-message-bin` end with that status, `x-delay` waits seconds before the first message, `x-initial` and `x-trailing-bin`
come back in the initial and trailing metadata, `x-hang` never answers until the call ends. The server prints `cancelled METHOD`
when a call ended from outside. Needs `grpcio` and `grpcio-health-checking` from PyPI.
"""

import argparse
import threading
import time
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
same = lambda message: message


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        kind = {"/outrider.Echo/Unary": (grpc.unary_unary_rpc_method_handler, self.unary),
                "/outrider.Echo/Client": (grpc.stream_unary_rpc_method_handler, self.client),
                "/outrider.Echo/Server": (grpc.unary_stream_rpc_method_handler, self.server),
                "/outrider.Echo/Bidi": (grpc.stream_stream_rpc_method_handler, self.bidi)}.get(details.method)
        return kind and kind[0](kind[1], same, same)

    def begin(self, context, name):
        known = dict(context.invocation_metadata())
        context.add_callback(lambda: None)
        if "x-initial" in known:
            context.send_initial_metadata((("x-initial", known["x-initial"]), ("x-deadline", f"{context.time_remaining() or 0:.1f}")))
        if "x-trailing-bin" in known:
            context.set_trailing_metadata((("x-trailing-bin", known["x-trailing-bin"]), ("x-trailing", "end")))
        if "x-hang" in known:
            gone = threading.Event()
            context.add_callback(gone.set)
            gone.wait(60)
            print("cancelled", name, flush=True)
        time.sleep(float(known.get("x-delay", 0)))
        return known

    def finish(self, context, known):
        if "x-code" in known:
            context.abort(CODES[int(known["x-code"])], known.get("x-message-bin", b"").decode())

    def unary(self, request, context):
        self.finish(context, self.begin(context, "Unary"))
        return request

    def client(self, requests, context):
        known = self.begin(context, "Client")
        body = b"".join(requests)
        self.finish(context, known)
        return body

    def server(self, request, context):
        known = self.begin(context, "Server")
        for line in request.split(b"\n"):
            yield line
        self.finish(context, known)

    def bidi(self, requests, context):
        known = self.begin(context, "Bidi")
        for request in requests:
            yield request
        self.finish(context, known)


def serve(options):
    server = grpc.server(futures.ThreadPoolExecutor(64), options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([Echo()])
    state = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    state.set("outrider.Echo", health_pb2.HealthCheckResponse.SERVING)
    state.set("", health_pb2.HealthCheckResponse.SERVING)
    if options.cert:
        ca = open(options.client_ca, "rb").read() if options.client_ca else None
        credentials = grpc.ssl_server_credentials([(open(options.key, "rb").read(), open(options.cert, "rb").read())], ca, bool(ca))
        server.add_secure_port(f"127.0.0.1:{options.port}", credentials)
    else:
        server.add_insecure_port(f"127.0.0.1:{options.port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    for name in ("cert", "key", "client-ca"):
        parser.add_argument("--" + name)
    serve(parser.parse_args())
