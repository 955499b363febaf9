"""gRPC through the proxy: calls of every shape, statuses, metadata, deadlines, cancelling, health; and the official interop cases
where GRPC_INTEROP names a folder with `grpc-interop-server` and `grpc-interop-client`. FRONT chooses the proxy."""

import os
import sys
import threading
import time

from harness import check, note, run, start, until, listens, stop
from checks.protocols import HERE, Front, Origins, certificates, ready

INTEROP = ["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream", "custom_metadata",
           "status_code_and_message", "special_status_message", "unimplemented_method", "unimplemented_service", "cancel_after_begin",
           "cancel_after_first_response", "timeout_on_sleeping_server"]


def _grpc():
    try:
        import grpc
        import grpc_health
        return grpc and grpc_health
    except ImportError as error:
        note(f"SKIP: {error.name} is not installed for {sys.executable}")


class Swapped(Origins):
    """The ports of HTTP/2 belong to a gRPC server, the others to the usual origin."""

    def __init__(self, command):
        super().__init__()
        self.swap = {kind: self.ports[kind] for kind in ("h2", "tls-h2")}
        stop(self.child)
        chain, key = certificates()["server"]
        self.children = [start([*command(self.ports["h2"], None, None)]), start([*command(self.ports["tls-h2"], chain, key)])]
        rest = [a for kind in ("h1", "tls-h1") for a in ("--" + kind, str(self.ports[kind]))]
        self.child = start([sys.executable, os.path.join(HERE, "peers", "origin.py"), *rest, "--cert", chain, "--key", key, "--record", self.path])
        for number in self.ports.values():
            if not until(lambda: listens(number), 15):
                raise RuntimeError("a server does not start: " + "".join(open(c.log).read() for c in self.children))

    def log(self):
        return "".join(open(child.log).read() for child in self.children)


def _channel(grpc, front, tls, up):
    options = [("grpc.default_authority", f"{up}.test"), ("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]
    if not tls:
        return grpc.insecure_channel(f"127.0.0.1:{front.port('h2', up)}", options)
    root = open(certificates().file("root.crt"), "rb").read()
    return grpc.secure_channel(f"127.0.0.1:{front.port('tls-h2', up)}", grpc.ssl_channel_credentials(root),
                               options + [("grpc.ssl_target_name_override", f"{up}.test")])


def _calls(grpc, channel, origins):
    """(name, good, what was seen) of each call."""
    same = lambda message: message
    unary = channel.unary_unary("/outrider.Echo/Unary", same, same)
    client = channel.stream_unary("/outrider.Echo/Client", same, same)
    server = channel.unary_stream("/outrider.Echo/Server", same, same)
    bidi = channel.stream_stream("/outrider.Echo/Bidi", same, same)

    def status(call):
        try:
            call()
            return "OK", ""
        except grpc.RpcError as error:
            return error.code().name, error.details()

    yield "unary", unary(b"hello", timeout=10) == b"hello", ""
    yield "an empty message", unary(b"", timeout=10) == b"", ""
    big = os.urandom(3 << 20)
    yield "3 MiB both ways", unary(big, timeout=20) == big, ""
    yield "client streaming", client(iter([b"abc"] * 1000), timeout=20) == b"abc" * 1000, ""
    lines = b"\n".join(b"%d" % i for i in range(2000))
    yield "server streaming", b"\n".join(server(lines, timeout=20)) == lines, ""
    ball, sent = threading.Semaphore(0), []

    def play():
        for index in range(50):
            sent.append(index)
            yield b"%d" % index
            if not ball.acquire(timeout=5):
                return
    got = []
    for message in bidi(play(), timeout=20):
        got.append(message)
        ball.release()
    yield "ping-pong, each waits for the other", len(got) == 50, len(got)
    for number, name in ((3, "INVALID_ARGUMENT"), (5, "NOT_FOUND"), (13, "INTERNAL"), (14, "UNAVAILABLE"), (16, "UNAUTHENTICATED")):
        seen = status(lambda: unary(b"", timeout=10, metadata=(("x-code", str(number)), ("x-message-bin", "why: \u00fc %, and more".encode()))))
        yield f"status {name} and its message", seen == (name, "why: \u00fc %, and more"), seen
    answers = []
    seen = status(lambda: answers.extend(server(b"a\nb", timeout=10, metadata=(("x-code", "9"), ("x-message-bin", b"late")))))
    yield "a status behind messages", seen == ("FAILED_PRECONDITION", "late") and answers == [b"a", b"b"], (seen, answers)
    call = unary.with_call(b"", timeout=7, metadata=(("x-initial", "first"), ("x-trailing-bin", bytes(range(256)))))[1]
    first, last = dict(call.initial_metadata()), dict(call.trailing_metadata())
    yield "metadata, initial, trailing and binary", first.get("x-initial") == "first" and last.get("x-trailing-bin") == bytes(range(256)), last
    yield "the deadline arrives", 4 < float(first.get("x-deadline", 0)) <= 7.1, first.get("x-deadline")
    began = time.time()
    seen = status(lambda: unary(b"", timeout=0.5, metadata=(("x-delay", "3"),)))
    yield "a deadline that passes", seen[0] == "DEADLINE_EXCEEDED" and time.time() - began < 2, seen
    before = origins.log().count("cancelled")
    hanging = bidi(iter([b"a"]), timeout=30, metadata=(("x-hang", "1"),))
    time.sleep(0.5)
    hanging.cancel()
    yield "cancelling reaches the server", until(lambda: origins.log().count("cancelled") > before, 5), origins.log()[-200:]
    seen = status(lambda: channel.unary_unary("/outrider.Echo/Nothing", same, same)(b"", timeout=10))
    yield "an unknown method", seen[0] == "UNIMPLEMENTED", seen
    seen = status(lambda: channel.unary_unary("/no.Service/Nothing", same, same)(b"", timeout=10))
    yield "an unknown service", seen[0] == "UNIMPLEMENTED", seen
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    stub = health_pb2_grpc.HealthStub(channel)
    yield "health", stub.Check(health_pb2.HealthCheckRequest(service="outrider.Echo"), timeout=5).status == 1, ""
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=""), timeout=20)
    yield "a watch's first message comes at once", next(iter(watch)).status == 1, ""
    watch.cancel()
    calls = [unary.future(b"%d" % index, timeout=20) for index in range(500)]
    yield "500 at once", all(call.result() == b"%d" % index for index, call in enumerate(calls)), ""
    packed = channel.unary_unary("/outrider.Echo/Unary", same, same)(b"z" * 100000, timeout=10, compression=grpc.Compression.Gzip)
    yield "a gzipped message", packed == b"z" * 100000, ""


def calls():
    grpc = ready() and _grpc()
    if not grpc:
        return
    import grpc
    def command(number, chain, key):
        return [sys.executable, os.path.join(HERE, "peers", "grpc_echo.py"), str(number), *(["--cert", chain, "--key", key] if chain else [])]
    with Front.chosen(Swapped(command)) as front:
        for tls in (False, True):
            for up in ("h2", "tls-h2"):
                if front.name == "direct" and tls != (up == "tls-h2"):
                    continue
                bad, count = [], 0
                channel = _channel(grpc, front, tls, up)
                try:
                    for name, good, seen in _calls(grpc, channel, front.origins):
                        count += 1
                        if not good:
                            bad.append((name, seen))
                except Exception as error:
                    bad.append((f"call {count + 1} failed", f"{type(error).__name__} {error}"[:400]))
                channel.close()
                check(f"gRPC {'over TLS' if tls else 'in clear text'} > {up}", not bad, f"{count} calls, {len(bad)} bad")
                for name, seen in bad:
                    note(f"{name}: {seen}")
        # A gRPC client hears of what the proxy itself has to say in gRPC's own form.
        stop(front.origins.children[0])
        channel = _channel(grpc, front, False, "h2")
        try:
            channel.unary_unary("/outrider.Echo/Unary")(b"", timeout=10)
            seen = "OK"
        except grpc.RpcError as error:
            seen = f"{error.code().name}: {error.details()}"
        if front.name != "direct":
            check("an origin that is gone is UNAVAILABLE", seen.startswith("UNAVAILABLE"), seen)
        for child in front.origins.children:
            stop(child)


def interop():
    """The official client against the official server, through the proxy."""
    folder = os.environ.get("GRPC_INTEROP", "")
    if not ready():
        return
    if not os.access(os.path.join(folder, "grpc-interop-server"), os.X_OK):
        return note("SKIP: GRPC_INTEROP does not name a folder with grpc-interop-server and grpc-interop-client")
    def command(number, chain, key):
        return [os.path.join(folder, "grpc-interop-server"), "--port", str(number),
                *(["--use_tls", "--tls_cert_file", chain, "--tls_key_file", key] if chain else [])]
    for up in ("h2", "tls-h2"):
        with Front.chosen(Swapped(command), rest=up) as front:
            _interop(front, folder, up)


def _interop(front, folder, up):
    for tls in (False, True):
        if front.name == "direct" and tls != (up == "tls-h2"):
            continue
        bad = []
        for name in INTEROP:
            target = front.port("tls-h2" if tls else "h2", up)
            # In clear text this client can name no host but the address: the front's catch-all route leads to the server.
            arguments = ["--server_host", "127.0.0.1", "--server_port", str(target), "--test_case", name]
            if tls:
                arguments += ["--use_tls", "--ca_file", certificates().file("root.crt"), "--server_host_override", f"{up}.test"]
                arguments += ["--use_test_ca"]
            text, code = run([os.path.join(folder, "grpc-interop-client"), *arguments], timeout=60)
            if code:
                bad.append((name, text.strip().splitlines()[-1:] or code))
        check(f"interop {'over TLS' if tls else 'in clear text'} > {up}", not bad, f"{len(INTEROP)} cases, {len(bad)} bad")
        for name, text in bad:
            note(f"{name}: {text}"[:300])
    for child in front.origins.children:
        stop(child)
