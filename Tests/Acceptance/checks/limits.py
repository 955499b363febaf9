"""Idle, out of descriptors, and at the end: what the process costs and how it goes."""

import os
import re
import signal
import socket
import time

from harness import (Proxy, WORK, anonymous, check, cpu, missing, nginx, note, port, rss, run, service, start, status, stop, to,
                     until, virtual_service, wrk, wrk_start, wrk_wait)


def _proxy(**options):
    a = port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    return Proxy({"o.yaml": service("o", [a]), "web.yaml": virtual_service(to("o"))}, **options)


def idle():
    if missing("nginx", "wrk"):
        return
    proxy = _proxy(workers=2)
    time.sleep(2)
    check("resident memory at the start is at most 20 MB", rss(proxy.pid) <= 20_000,
          f"{rss(proxy.pid)} KiB, of which {anonymous(proxy.pid)} anonymous")
    wrk(f"http://127.0.0.1:{proxy.port}/", 3, 64)
    time.sleep(3)
    check("and after load", rss(proxy.pid) <= 20_000, f"{rss(proxy.pid)} KiB, of which {anonymous(proxy.pid)} anonymous")
    used = cpu(proxy.pid)
    time.sleep(10)
    check("ten idle seconds cost no CPU", cpu(proxy.pid) == used, f"{cpu(proxy.pid) - used} ticks")
    output, code = run(["timeout", "-s", "INT", "5", "strace", "-f", "-qq", "-e", "trace=!restart_syscall", "-p", str(proxy.pid)])
    calls = [line for line in output.splitlines() if re.search(r"\) += ", line) and "detached" not in line]
    if "ptrace" not in output and "not found" not in output:
        check("five idle seconds make no system call", len(calls) == 0, f"{len(calls)} calls {calls[:3]}")

    before, clients = rss(proxy.pid), []
    for index in range(10_000):
        client = socket.socket()
        client.bind((f"127.0.0.{2 + index % 8}", 0))
        client.connect(("127.0.0.1", proxy.port))
        clients.append(client)
    time.sleep(1)
    fresh = rss(proxy.pid)
    for client in clients:
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        client.recv(4096)
    time.sleep(1)
    used_once = rss(proxy.pid)
    open_now = len(os.listdir(f"/proc/{proxy.pid}/fd"))
    check("10,000 idle connections are held", open_now > 10_000, f"{open_now} descriptors")
    note(f"an idle connection costs {(fresh - before) / 10_000 * 1024:.0f} B before, "
         f"{(used_once - before) / 10_000 * 1024:.0f} B after its first request")
    used = cpu(proxy.pid)
    time.sleep(3)
    check("they cost no CPU", cpu(proxy.pid) - used <= 1, f"{cpu(proxy.pid) - used} ticks in 3 s")
    for client in clients:
        client.close()


def descriptors():
    if missing("nginx"):
        return
    proxy = _proxy(shell="ulimit -n 64")
    clients = []
    for _ in range(300):
        client = socket.socket()
        client.settimeout(0.3)
        if client.connect_ex(("127.0.0.1", proxy.port)) == 0:
            clients.append(client)
    time.sleep(1)
    used = cpu(proxy.pid)
    time.sleep(3)
    spent = cpu(proxy.pid) - used
    check("at the limit it does not spin", proxy.alive() and spent <= 3, f"{spent} ticks in 3 s")
    line = [l for l in proxy.log().splitlines() if re.search(r"(?i)limit|descriptor|too many", l)]
    check("a clear line says so, and not many times", 1 <= len(line) <= 5, f"{len(line)}: {line[:2]}")
    first = clients[0]
    first.settimeout(5)
    first.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
    answer = first.recv(4096)
    check("who is in is served meanwhile", answer.startswith(b"HTTP/1.1 200"), answer[:40])
    for client in clients:
        client.close()
    time.sleep(1)
    results = [proxy.get("/")[0] for _ in range(20)]
    check("it recovers", results == [200] * 20, set(results))
    note("\n      ".join(line[-3:]))


def drain():
    if missing("nginx", "wrk"):
        return
    path = f"unix://{WORK}/admin.sock"
    proxy = _proxy(workers=2, admin=path)
    check("admin answers over a Unix socket", proxy.ask("/ready")[0] == 200)
    load = wrk_start(f"http://127.0.0.1:{proxy.port}/", 3, connections=32)
    time.sleep(1)
    # Somebody slow is in the middle of an answer's request.
    slow = socket.create_connection(("127.0.0.1", proxy.port))
    slow.sendall(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nab")
    proxy.child.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    try:
        readiness = proxy.ask("/ready")[0]
    except OSError as error:
        readiness = error
    check("readiness fails at once, while connections are still accepted", readiness == 503, readiness)
    numbers = wrk_wait(load)
    slow.sendall(b"cd")
    slow.settimeout(5)
    answer = slow.recv(4096)
    check("a request in the middle is answered, with connection: close",
          answer.startswith(b"HTTP/1.1 ") and b"connection: close" in answer.lower(), answer[:60])
    slow.close()
    until(lambda: not proxy.alive(), 50)
    check("SIGTERM under wrk fails no request", numbers["failed"] == 0,
          f"{numbers['requests']} requests, {numbers['sockets']} socket errors, {numbers['statuses']} not 2xx")
    check("and ends with status 0", proxy.child.poll() == 0, proxy.child.poll())

    if not missing("siege"):
        proxy = _proxy(workers=2)
        siege = start(["siege", "-b", "-c", "5", "-t", "2S", f"http://127.0.0.1:{proxy.port}/"], env=dict(os.environ, HOME=WORK))
        time.sleep(1)
        began = time.time()
        proxy.child.send_signal(signal.SIGTERM)
        siege.wait(30)
        found = re.search(r'availability"?:\s+([\d.]+)', open(siege.log).read())
        until(lambda: not proxy.alive(), 50)
        check("SIGTERM under siege: 100 % until siege ends", found and float(found[1]) == 100 and proxy.child.poll() == 0,
              f"{found and found[1]} %, status {proxy.child.poll()}, {time.time() - began:.1f} s")
