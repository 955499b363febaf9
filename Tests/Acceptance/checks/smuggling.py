"""What is malformed in HTTP/2, sent towards origins that record what reaches them. FRONT chooses the proxy, VERBOSE=1 tells each case."""

import json
import os
import random
import socket
import time

from harness import check, note
from checks.http2_attacks import HOST, Good, Raw
from checks.protocols import Front, ready


def _malformed():
    """(name, fields, body or None, what may come). Pseudo fields in the order given; a body is sent in DATA."""
    base = [(":method", "GET"), (":scheme", "http"), (":authority", HOST), (":path", "/s")]
    post = [(":method", "POST"), (":scheme", "http"), (":authority", HOST), (":path", "/s")]
    def put(name, value):
        return [(n, value if n == name else v) for n, v in base]
    evil = "GET /evil HTTP/1.1\r\nHost: h1.test\r\n\r\n"
    yield "CR LF in a value", base + [("x-a", "b\r\nx-evil: 1")], None
    yield "CR LF CR LF and a request in a value", base + [("x-a", "b\r\n\r\n" + evil)], None
    yield "LF in a value", base + [("x-a", "b\nx-evil: 1")], None
    yield "CR in a value", base + [("x-a", "b\rx-evil: 1")], None
    yield "NUL in a value", base + [("x-a", "b\x00c")], None
    yield "a space before a value", base + [("x-a", " b")], None
    yield "CR LF in a name", base + [("x-a\r\nx-evil", "1")], None
    yield "LF in a name", base + [("x-a\nx-evil", "1")], None
    yield "a colon in a name", base + [("x-evil: 1\r\nx", "1")], None
    yield "a colon inside a name", base + [("transfer-encoding: chunked", "x")], None
    yield "a space in a name", base + [("x evil", "1")], None
    yield "an upper-case name", base + [("X-Evil", "1")], None
    yield "an empty name", base + [("", "1")], None
    yield "a name with a byte above 127", base + [("x-\xff", "1")], None
    yield "transfer-encoding: chunked", post + [("transfer-encoding", "chunked")], b"0\r\n\r\n" + evil.encode()
    yield "transfer-encoding and content-length", post + [("content-length", "5"), ("transfer-encoding", "chunked")], b"0\r\n\r\n"
    yield "content-length above DATA", post + [("content-length", "100")], b"abc"
    yield "content-length below DATA", post + [("content-length", "3")], b"abc" + evil.encode()
    yield "content-length 0 and DATA", post + [("content-length", "0")], evil.encode()
    yield "two unequal content-lengths", post + [("content-length", "3"), ("content-length", "4")], b"abc"
    yield "two equal content-lengths", post + [("content-length", "3"), ("content-length", "3")], b"abc"
    yield "content-length with a sign", post + [("content-length", "+3")], b"abc"
    yield "content-length as a list", post + [("content-length", "3, 3")], b"abc"
    yield "content-length with spaces", post + [("content-length", " 3")], b"abc"
    yield "content-length not a number", post + [("content-length", "3x")], b"abc"
    yield "content-length of 20 digits", post + [("content-length", "18446744073709551619")], b"abc"
    yield "connection: close", base + [("connection", "close")], None
    yield "connection: transfer-encoding", base + [("connection", "transfer-encoding")], None
    yield "keep-alive", base + [("keep-alive", "timeout=5")], None
    yield "proxy-connection", base + [("proxy-connection", "close")], None
    yield "upgrade: h2c", base + [("upgrade", "h2c")], None
    yield "upgrade: websocket without connection", base + [("upgrade", "websocket")], None
    yield "te: gzip", base + [("te", "gzip")], None
    yield "te: trailers, chunked", base + [("te", "trailers, chunked")], None
    yield "a pseudo field behind others", base[:3] + [("x-a", "1"), base[3]], None
    yield "two :path", base + [(":path", "/evil")], None
    yield "two :method", base + [(":method", "POST")], None
    yield "two :authority", base + [(":authority", "evil.test")], None
    yield "an unknown pseudo field", base + [(":evil", "1")], None
    yield ":status in a request", base + [(":status", "200")], None
    yield "no :path", base[:3], None
    yield "no :method", base[1:], None
    yield "no :scheme", [base[0], *base[2:]], None
    yield "an empty :path", put(":path", ""), None
    yield "an empty :method", put(":method", ""), None
    yield "a space in :path", put(":path", "/s HTTP/1.1\r\nx-evil: 1\r\nx: "), None
    yield "a bare space in :path", put(":path", "/s /evil"), None
    yield "a tab in :path", put(":path", "/s\t/evil"), None
    yield ":path without a slash", put(":path", "evil"), None
    yield ":path with a whole URL", put(":path", "http://evil.test/s"), None
    yield ":path with a fragment", put(":path", "/s#evil"), None
    yield ":path *", put(":path", "*"), None
    yield "CR LF in :method", put(":method", "GET /evil HTTP/1.1\r\nHost: a\r\n\r\nGET"), None
    yield "a space in :method", put(":method", "GET /evil"), None
    yield "CR LF in :authority", put(":authority", HOST + "\r\nx-evil: 1"), None
    yield "a space in :authority", put(":authority", HOST + " evil"), None
    yield "user information in :authority", put(":authority", "evil@" + HOST), None
    yield "a path in :authority", put(":authority", HOST + "/evil"), None
    yield "CR LF in :scheme", put(":scheme", "http\r\nx-evil: 1"), None
    yield ":scheme with a URL", put(":scheme", "http://evil.test/?"), None
    yield "host beside another :authority", base + [("host", "evil.test")], None
    yield "host equal to :authority", base + [("host", HOST)], None
    yield "two host fields", [base[0], base[1], base[3], ("host", HOST), ("host", "evil.test")], None
    yield "host alone", [base[0], base[1], base[3], ("host", HOST)], None
    yield "neither host nor :authority", [base[0], base[1], base[3]], None
    yield ":protocol without CONNECT", base + [(":protocol", "websocket")], None
    yield "CONNECT with :path and without :protocol", put(":method", "CONNECT"), None
    yield "expect: 100-continue without a body", base + [("expect", "100-continue")], None
    yield "an underscore that may become a dash", base + [("content_length", "5"), ("x_evil", "1")], None
    yield "http2-settings", base + [("http2-settings", "AAMAAABkAAQAAP__")], None


# What RFC 9113 says is malformed but many accept, or what is no fault: an answer of 200 is right there.
HARMLESS = {"two equal content-lengths", "host equal to :authority", "host alone", ":path with a fragment", "a space before a value",
            "content-length with spaces", "expect: 100-continue without a body", "an underscore that may become a dash", "http2-settings",
            "user information in :authority", "host beside another :authority", ":path *", "te: trailers, chunked",
            "neither host nor :authority", "two :authority",
            # The head may be on its way before DATA show the fault; what counts is that no byte beyond the length goes out.
            "content-length above DATA", "content-length below DATA", "content-length 0 and DATA"}


def _literal(encoder, fields):
    """A header block of plain literals: an encoder would lower names and refuse some bytes."""
    def string(value):
        data = value.encode("latin-1")
        size = len(data)
        if size < 127:
            return bytes([size]) + data
        size -= 127
        out = b"\x7f"
        while size >= 128:
            out += bytes([size % 128 | 128])
            size //= 128
        return out + bytes([size]) + data
    return b"".join(b"\x00" + string(n) + string(v) for n, v in fields)


def smuggling():
    """What is malformed in HTTP/2 never reaches an HTTP/1.1 origin, nor one of HTTP/2 as something else."""
    if not ready():
        return
    with Front.chosen() as front:
        good = Good(front)
        for up in ("h1", "h2"):
            wrong, accepted = [], []
            for name, fields, body in _malformed():
                mark = front.origins.mark()
                marker = f"m{random.randrange(10 ** 9)}"
                fields = [(n, v.replace(HOST, f"{up}.test")) for n, v in fields] + [("x-marker", marker)]
                raw = Raw(front.port("h2", up))
                w = raw.wire
                raw.frame(w.HEADERS, w.END_HEADERS | (0 if body is not None else w.END_STREAM), 1, _literal(raw.encoder, fields))
                if body is not None:
                    raw.frame(w.DATA, w.END_STREAM, 1, body)
                # A request behind it on the same connection tells what the origin's connection thinks.
                raw.read(0.3, lambda: raw.closed or raw.goaway is not None or 1 in raw.heads or 1 in raw.resets)
                raw.request(3, "/after", host=f"{up}.test")
                raw.read(2, lambda: raw.closed or raw.goaway is not None or (raw.status(3) is not None and (1 in raw.resets or raw.status(1) is not None)))
                raw.read(0.05)
                what = f"{raw.status(1) or ''}{' reset ' + w.code(raw.resets[1]) if 1 in raw.resets else ''}" \
                       f"{' GOAWAY ' + w.code(raw.goaway) if raw.goaway is not None else ''}"
                raw.close()
                time.sleep(0.02)
                reached = [e for e in front.origins.since(mark, "request") if "x-evil" in json.dumps(e) or "evil" in json.dumps(e["pseudo"])
                           or [f for f in e["fields"] if f == ["x-marker", marker]]]
                bodies = {e["id"]: e for e in front.origins.since(mark, "ended")}
                told = [(e["first"] or e["pseudo"].get(":path"), [f for f in e["fields"] if f[0] not in ("x-marker", "x-request-id", "x-forwarded-for", "x-forwarded-proto")],
                         bodies.get(e["id"], {}).get("body")) for e in reached]
                injected = [e for e in reached if e["pseudo"].get(":path", "").startswith("/evil") or any(
                    f[0] == "x-evil" for f in e["fields"]) or e["pseudo"].get(":authority") == "evil.test"]
                framing = [e for e in reached if sum(f[0] == "content-length" for f in e["fields"]) > 1
                           or {"content-length", "transfer-encoding"} <= {f[0] for f in e["fields"]}]
                line = f"{name}: {what.strip() or 'nothing'}; reached the origin: {told if reached else 'nothing'}"
                if injected or framing or (reached and name not in HARMLESS):
                    wrong.append(line)
                elif reached:
                    accepted.append(line)
                if os.environ.get("VERBOSE"):
                    note(line[:300])
            check(f"nothing malformed reaches the origin by {up}", not wrong, f"{len(list(_malformed()))} cases, {len(wrong)} reached it")
            for line in wrong:
                note("REACHED " + line[:500])
            for line in accepted:
                note("passed  " + line[:300])
        trailers(front)
        upgrades(front)
        unhurt, how, failures = good.stop()
        check("the good client did not notice", unhurt, f"{how} {failures or ''}")


def trailers(front):
    """Trailers that would be framing, pseudo fields or injections."""
    wrong = []
    cases = [("pseudo field", [(":path", "/evil")]), ("content-length", [("content-length", "5")]), ("transfer-encoding", [("transfer-encoding", "chunked")]),
             ("CR LF", [("x-a", "1\r\nx-evil: 1")]), ("host", [("host", "evil.test")]), ("authorization", [("authorization", "evil")]),
             ("connection", [("connection", "close")]), ("upper case", [("X-Evil", "1")])]
    for name, fields in cases:
        mark = front.origins.mark()
        raw = Raw(front.port("h2", "h1"))
        w = raw.wire
        raw.request(1, "/count", False, method="POST")
        raw.frame(w.DATA, 0, 1, b"abc")
        raw.frame(w.HEADERS, w.END_HEADERS | w.END_STREAM, 1, _literal(raw.encoder, fields))
        raw.read(2, lambda: raw.closed or raw.goaway is not None or 1 in raw.heads or 1 in raw.resets)
        time.sleep(0.05)
        ends = front.origins.since(mark, "ended")
        arrived = [t for e in ends for t in e["trailers"] if t[0] in ("content-length", "transfer-encoding", "host", "x-evil", "connection", ":path")]
        note(f"trailer {name}: {raw.status(1)} {[w.code(c) for c in raw.resets.values()]} arrived {[e['trailers'] for e in ends if e['trailers']]}")
        if arrived:
            wrong.append((name, arrived))
        raw.close()
    check("no trailer arrives that would be framing", not wrong, wrong)


def upgrades(front):
    """`Upgrade: h2c` through an HTTP/1.1 proxy must not reach the origin."""
    wrong = []
    settings = "AAMAAABkAARAAAAAAAIAAAAA"
    cases = {
        "as it should be": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\n",
        "without HTTP2-Settings in Connection": f"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\n",
        "without settings": "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        "two settings": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\nHTTP2-Settings: {settings}\r\n",
        "broken settings": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: !!!\r\n",
        "h2c and websocket": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c, websocket\r\nHTTP2-Settings: {settings}\r\n",
        "upper case": f"Connection: upgrade, http2-settings\r\nUpgrade: H2C\r\nHTTP2-Settings: {settings}\r\n",
        "with a body": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: {settings}\r\nContent-Length: 3\r\n",
        "an unknown protocol": "Connection: Upgrade\r\nUpgrade: evil\r\n",
        "TLS": "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    }
    for name, fields in cases.items():
        mark = front.origins.mark()
        with socket.create_connection(("127.0.0.1", front.port("h1", "h1")), timeout=5) as client:
            body = "abc" if "Content-Length" in fields else ""
            client.sendall(f"{'POST' if body else 'GET'} /count HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}".encode())
            client.settimeout(1)
            answer = b""
            try:
                while len(answer) < 12:
                    part = client.recv(4096)
                    if not part:
                        break
                    answer += part
            except OSError:
                pass
        reached = front.origins.since(mark, "request")
        # Any other protocol is the origin's to refuse; h2c concerns one connection, in whatever list it stands.
        passed = [
            f for e in reached for f in e["fields"] if f[0] == "http2-settings" or f[0] == "upgrade" and "h2c" in f[1].lower()
        ]
        note(f"h2c upgrade, {name}: {answer[:40]!r}, the origin saw {passed or 'no upgrade'}")
        if passed:
            wrong.append((name, passed))
    check("no upgrade to HTTP/2 is passed on", not wrong, wrong)
