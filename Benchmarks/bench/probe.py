"""Whether a proxy does what the row says: asked by curl, answered by the upstream with what it saw of the request."""
import subprocess
import time

from .load import SUITE

TLS = {"protocol": "HTTP/1.1", "tls": "TLSv1.3", "cipher": SUITE}
SEEN = {"http1": {"protocol": "HTTP/1.1", "tls": ""}, "http2": {"protocol": "HTTP/2.0", "tls": ""},
        "tls": TLS, "mtls": {**TLS, "verified": "SUCCESS"}}


def questions(work):
    """[(path, headers, expected group)]: two requests that have to be told apart."""
    if work.rules:
        asked = [work.rules.question(index) for index in (0, work.rules.count - 1)]
        return [(f"{path}probe" if path.endswith("/") else path, [f"Host: {host}"] if host else [], group)
                for (host, path), group in zip(asked, ("v1", "v2"))]
    return [("/probe", [], "v1"), ("/probe", ["x-version: v2"], "v2")]


def curl(work, port, load, path, headers, *more):
    """(status line of curl's own, text) or a sentence."""
    # curl offers h2 over TLS by ALPN; --tlsv1.3 and the one suite make anything else fail.
    version = ("--http2" if work.tls else "--http2-prior-knowledge") if work.http2 else "--http1.1"
    command = ["curl", "-sS", "-m5", "--noproxy", "*", version, "-w", "\n%{http_version} %{http_code}", *more]
    command += ["--tlsv1.3", "--tls13-ciphers", SUITE, "--cacert", load.certificate.authority] if work.tls else []
    command += ["--cert", load.certificate.chain, "--key", load.certificate.key] if work.mutual else []
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, work.url(port, path)], capture_output=True, env=load.environment)
    if done.returncode:
        return None, done.stderr.decode().strip()
    text, _, last = done.stdout.decode(errors="replace").rstrip().rpartition("\n")
    if last != f"{'2' if work.http2 else '1.1'} 200":
        return None, f"answers with version and status {last}"
    return last, text


def seen_fault(work, port, load, upstream, question):
    path, headers, group = question
    good, text = curl(work, port, load, path, headers)
    if not good:
        return text
    seen = dict(pair.split("=", 1) for pair in text.strip().split(";") if "=" in pair)
    server = upstream.ports[work.upstream][("v1", "v2").index(group)]
    for key, value in {"server": str(server), **SEEN[work.upstream]}.items():
        if seen.get(key) != value:
            return f"the upstream saw {key} “{seen.get(key)}”, not “{value}”"
    # Envoy names the machine's own address where the client's is the loopback.
    absent = [name for key, name in (("id", "x-request-id"), ("for", "x-forwarded-for")) if not seen.get(key)]
    return f"the upstream saw no {' and no '.join(absent)}" if absent else None


def grpc_fault(work, port, load, routes):
    """gRPC's upstream cannot say what it saw: its trailers say who it is, and that they came through."""
    for headers, group in ([], "v1"), (["x-version: v2"], "v2"):
        good, text = curl(work, port, load, work.path, [*work.headers[1:], *headers], "-D", "-", "--data-binary",
                          f"@{load.message}")
        if not good:
            return text
        for line in ["grpc-status: 0"] + ([f"x-group: {group}"] if routes else []):
            if line not in text.lower():
                return f"the trailer “{line}” did not come through"
    return None


def fault(candidate, load, upstream):
    """What is wrong with the way through this proxy, or nothing."""
    work = candidate.work
    if work.upstream == "grpc":
        return grpc_fault(work, candidate.port, load, candidate.peer.routes)
    for question in questions(work):
        if not candidate.peer.routes:  # a relay of bytes: it answers, that is all
            good, text = curl(work, candidate.port, load, *question[:2])
            found = None if good else text
        else:
            found = seen_fault(work, candidate.port, load, upstream, question)
        if found:
            return found
    return None


def wait(candidate, load, upstream, seconds=60):
    """Waits until the proxy answers as it should. Nothing, or the last fault: a wrong answer is given five seconds, a proxy that
    does not answer yet (10,000 rules take time) longer."""
    began = time.monotonic()
    while True:
        last = fault(candidate, load, upstream)
        if not last:
            return None
        if candidate.process.poll() is not None:
            return f"it ended with {candidate.process.returncode}"
        patience = seconds if last.startswith("curl: (7)") else 5
        if time.monotonic() - began > patience:
            return last
        time.sleep(0.02)
