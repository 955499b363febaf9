"""Attacks on TLS beside a client that must not notice. FRONT chooses who is attacked, ATTACK=NAME takes one."""

import os
import random
import socket
import ssl
import struct
import subprocess
import threading
import time

from harness import check, rss, run, until
from checks.http2_attacks import HOST, Good, _wanted
from checks.protocols import Front, ready


def tls():
    """Handshakes in storms, half open ones, other protocols on the port, old versions, renegotiation."""
    if not ready():
        return
    with Front.chosen() as front:
        target = front.port("tls-h1", "h1")

        def beside(name, attack, limit=None):
            if not _wanted(name):
                return
            good, before = Good(front), rss(front.pid())
            time.sleep(0.3)
            what = attack()
            unhurt, how, failures = good.stop()
            check(f"{name}: the good client does not notice", unhurt and front.child.poll() is None,
                  f"{what}; RSS {before} to {rss(front.pid())} KiB; good: {how} {failures or ''}")

        def storm():
            end, counts = time.time() + 5, [0] * 8

            def loop(index):
                from peers import client
                context = client.context(None, ["h2"])
                context.options |= ssl.OP_NO_TICKET
                while time.time() < end:
                    try:
                        with socket.create_connection(("127.0.0.1", target), timeout=5) as plain:
                            with context.wrap_socket(plain, server_hostname=HOST):
                                counts[index] += 1
                    except OSError:
                        pass
            threads = [threading.Thread(target=loop, args=(i,)) for i in range(8)]
            [t.start() for t in threads]
            [t.join() for t in threads]
            return f"{sum(counts)} handshakes in 5 s"

        def half_open():
            hello = _hello()
            sockets = []
            for index in range(500):
                client = socket.create_connection(("127.0.0.1", target), timeout=5)
                client.sendall(hello[:random.randrange(1, len(hello))] if index % 2 else hello)
                sockets.append(client)
            time.sleep(2)
            began = time.time()
            closed = 0
            while time.time() - began < 18 and closed < len(sockets):
                closed = 0
                for client in sockets:
                    client.setblocking(False)
                    try:
                        while client.recv(65536):
                            pass
                        closed += 1
                    except BlockingIOError:
                        pass
                    except OSError:
                        closed += 1
                time.sleep(0.5)
            for client in sockets:
                client.close()
            return f"500 begun, {closed} closed after {time.time() - began + 2:.0f} s"

        def slow_hello():
            hello, sockets = _hello(), []
            for _ in range(100):
                sockets.append(socket.create_connection(("127.0.0.1", target), timeout=5))
            ended = 0
            for byte in hello[:60]:
                for client in sockets:
                    try:
                        client.sendall(bytes([byte]))
                    except OSError:
                        ended += 1
                time.sleep(0.05)
            [c.close() for c in sockets]
            return f"100 hellos byte by byte, {ended} writes refused"

        def plain_http():
            seen = []
            for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", os.urandom(2000), b"\x16\x03\x01\xff\xff" + b"x" * 60000,
                         b"\x16\x03\x01\x00\x00" * 1000, b"\x15\x03\x03\x00\x02\x01\x00", b"\x80\x2e\x01\x03\x01" + bytes(41)):
                try:
                    with socket.create_connection(("127.0.0.1", target), timeout=5) as client:
                        client.sendall(data)
                        client.settimeout(2)
                        got = b""
                        try:
                            while part := client.recv(4096):
                                got += part
                            seen.append(f"{got[:12]!r} closed")
                        except socket.timeout:
                            seen.append(f"{got[:12]!r} open")
                except OSError as error:
                    seen.append(type(error).__name__)
            return seen

        def alerts():
            """Warning alerts and empty records inside a session, as fast as they go."""
            hello = _hello()
            with socket.create_connection(("127.0.0.1", target), timeout=5) as client:
                client.sendall(hello)
                sent = 0
                try:
                    for _ in range(20000):
                        client.sendall(b"\x15\x03\x03\x00\x02\x01\x5a" * 10)
                        sent += 10
                except OSError:
                    pass
            return f"{sent} warning alerts before it ended"

        def renegotiate():
            seen = []
            for version in ("-tls1_2", "-tls1_3"):
                child = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, version, "-legacy_renegotiation"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                try:
                    time.sleep(0.5)
                    child.stdin.write(b"R\n")
                    child.stdin.flush()
                    time.sleep(1)
                    child.stdin.write(b"GET /count HTTP/1.1\r\nHost: h1.test\r\nConnection: close\r\n\r\n")
                    child.stdin.flush()
                    out, _ = child.communicate(timeout=5)
                except Exception as error:
                    child.kill()
                    out = child.stdout.read() if child.stdout else repr(error).encode()
                text = out.decode("latin-1")
                seen.append(f"{version} {'no renegotiation' if 'no renegotiation' in text else 'RENEGOTIATING' if 'RENEGOTIATING' in text else ''}"
                            f"{', then 200' if 'HTTP/1.1 200' in text else ''}")
            return seen

        def key_updates():
            """TLS 1.3 key updates in a row, by openssl's `k`."""
            child = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, "-tls1_3"],
                                     stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            sent = 0
            try:
                time.sleep(0.5)
                for _ in range(300):
                    child.stdin.write(b"K\n")
                    child.stdin.flush()
                    sent += 1
                    time.sleep(0.005)
            except OSError:
                pass
            time.sleep(0.5)
            alive = child.poll() is None
            child.kill()
            child.wait()
            return f"{sent} key updates, {'open' if alive else 'closed'}"

        def gone():
            """Handshakes whose clients leave at once, in each way: no connection stays behind."""
            from peers import client
            before = descriptors(front.pid())
            for index in range(300):
                context = client.context(None, ["h2"] if index % 2 else ["http/1.1"])
                if index % 3 == 0:
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                plain = socket.create_connection(("127.0.0.1", target), timeout=5)
                if index % 5 == 4:
                    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                session = context.wrap_socket(plain, server_hostname=HOST)
                if index % 7 == 6:
                    session.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" if index % 2 else b"GET / HT")
                session.close()
            left = until(lambda: descriptors(front.pid()) <= before + 2, 5)
            after = descriptors(front.pid())
            check("gone: no connection stays behind", left, f"{before} descriptors before, {after} after 300 that left")
            return f"{after - before} left"

        beside("gone", gone)
        beside("handshake_storm", storm)
        beside("slow_hello", slow_hello)
        beside("plain_on_tls", plain_http)
        beside("alerts", alerts)
        beside("renegotiation", renegotiate)
        beside("key_updates", key_updates)
        beside("half_open", half_open)
        if _wanted("versions"):
            versions(target)


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def _hello():
    """A ClientHello as this machine's OpenSSL makes it."""
    from peers import client
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client.context(None, ["h2", "http/1.1"]).wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def versions(target):
    """Which versions and weak ciphers are taken."""
    taken = {}
    for name, options in {"TLS 1.0": ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLS 1.1": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                          "TLS 1.2": ["-tls1_2"], "TLS 1.3": ["-tls1_3"],
                          "RC4, 3DES, NULL": ["-tls1_2", "-cipher", "RC4:3DES:NULL:eNULL:@SECLEVEL=0"],
                          "anonymous": ["-tls1_2", "-cipher", "aNULL:@SECLEVEL=0"],
                          "CBC": ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0"],
                          "static RSA": ["-tls1_2", "-cipher", "kRSA:@SECLEVEL=0"],
                          "ECDHE GCM": ["-tls1_2", "-cipher", "ECDHE+AESGCM"], "ECDHE CHACHA": ["-tls1_2", "-cipher", "ECDHE+CHACHA20"],
                          "compression": ["-tls1_2", "-comp"], "SSL 3": ["-ssl3"]}.items():
        text, _ = run(["openssl", "s_client", "-connect", f"127.0.0.1:{target}", "-servername", HOST, *options], timeout=10)
        taken[name] = "Cipher is (NONE)" not in text and "Cipher is" in text or ("New, TLSv1.3" in text)
        if name == "compression":
            taken[name] = "Compression: NONE" not in text and "Compression:" in text
    check("TLS 1.2 and 1.3 with ECDHE and AEAD are taken", taken["TLS 1.2"] and taken["TLS 1.3"] and taken["ECDHE GCM"], taken)
    check("older versions, weak ciphers and compression are not", not any(
        taken[name] for name in ("TLS 1.0", "TLS 1.1", "RC4, 3DES, NULL", "anonymous", "compression", "SSL 3")))
