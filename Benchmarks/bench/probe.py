"""Whether a proxy does what the row says: asked once by curl, answered by the upstream with what it saw of the request."""
import subprocess
import time

from .load import SUITE

SEEN = {"http1": {"protocol": "HTTP/1.1", "tls": ""}, "http2": {"protocol": "HTTP/2.0", "tls": ""},
        "tls": {"protocol": "HTTP/1.1", "tls": "TLSv1.3", "cipher": SUITE}}


def ask(row, port, load, headers=()):
    """What the upstream saw as {name: value}, or a sentence."""
    # curl offers h2 over TLS by ALPN; --tlsv1.3 and the one suite make anything else fail.
    version = ("--http2" if row.tls else "--http2-prior-knowledge") if row.http2 else "--http1.1"
    command = ["curl", "-sS", "-m5", "--noproxy", "*", version, "-w", "\n%{http_version} %{http_code}"]
    command += ["--tlsv1.3", "--tls13-ciphers", SUITE, "--cacert", load.certificate.authority] if row.tls else []
    for header in headers:
        command += ["-H", header]
    done = subprocess.run([*command, row.urls(port, "/probe")], capture_output=True, text=True, env=load.environment)
    if done.returncode:
        return done.stderr.strip()
    body, _, last = done.stdout.rstrip().rpartition("\n")
    if last != f"{'2' if row.http2 else '1.1'} 200":
        return f"answers with version and status {last}"
    return dict(pair.split("=", 1) for pair in body.strip().split(";") if "=" in pair)


def fault(row, port, load, upstream, routes=True):
    """What is wrong with the way through this proxy, or nothing. `routes`: it is a proxy, not a relay of bytes."""
    v1, v2 = upstream.ports[row.upstream]
    for headers, server in ([], v1), (["x-version: v2"], v2):
        seen = ask(row, port, load, headers)
        if isinstance(seen, str):
            return seen
        if not routes:
            continue
        expected = {"server": str(server), **SEEN[row.upstream]}
        for key, value in expected.items():
            if seen.get(key) != value:
                return f"the upstream saw {key} “{seen.get(key)}”, not “{value}”"
        # Envoy names the machine's own address where the client's is the loopback.
        absent = [name for key, name in (("id", "x-request-id"), ("for", "x-forwarded-for")) if not seen.get(key)]
        if absent:
            return f"the upstream saw no {' and no '.join(absent)}"
    return None


def wait(candidate, row, load, upstream, seconds=5):
    """Waits until the proxy answers as it should. Nothing, or the last fault."""
    deadline = time.monotonic() + seconds
    while True:
        last = fault(row, candidate.port, load, upstream, candidate.peer.routes)
        if not last:
            return None
        if candidate.process.poll() is not None:
            return f"it ended with {candidate.process.returncode}"
        if time.monotonic() > deadline:
            return last
        time.sleep(0.1)
