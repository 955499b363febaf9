"""Upstreams that die, come back, hang, answer slowly, or are few."""

import re
import socket
import statistics
import threading
import time

from harness import (Proxy, check, missing, nginx, note, port, rss, run, service, stop, to, until, virtual_service, wrk,
                     wrk_start, wrk_wait)

RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: o, namespace: workshop}
spec:
  host: o.internal
  trafficPolicy:
"""


def ejection():
    if missing("wrk", "nginx"):
        return
    a, b = port(), port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    second = nginx({b: 'location / { return 200 "b\\n"; }'})
    proxy = Proxy({
        "o.yaml": service("o", [a, b]), "web.yaml": virtual_service(to("o")),
        "rule.yaml": RULE + """
    outlierDetection: {consecutive5xxErrors: 5, splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailures: 3,
                       interval: 500ms, baseEjectionTime: 1s, maxEjectionPercent: 50}
"""}, workers=2)
    load = wrk_start(f"http://127.0.0.1:{proxy.port}/", 12, connections=16)
    time.sleep(2)
    stop(second, 9)
    ejected = until(lambda: re.search(r"(?i)eject", proxy.log()), 5)
    page = proxy.ask("/clusters")[1]
    time.sleep(1)
    check("a killed upstream is ejected, in the log and in /clusters", ejected and re.search(r"(?i)ejected", page),
          next((line for line in proxy.log().splitlines() if "eject" in line.lower()), "no line"))
    nginx({b: 'location / { return 200 "b\\n"; }'})
    returned = until(lambda: re.search(r"(?i)(return|back in|uneject|again)", proxy.log().split("eject", 1)[-1]), 8)
    check("its return is in the log", returned,
          next((l for l in proxy.log().splitlines() if re.search(r"(?i)return|again|back", l)), "no line"))
    numbers = wrk_wait(load)
    check("requests while it is killed and comes back do not fail", numbers["failed"] == 0,
          f"{numbers['requests']} requests, {numbers['sockets']} socket errors, {numbers['statuses']} not 2xx")
    seen = {proxy.get("/")[1] for _ in range(40)}
    check("both serve at the end", seen == {b"a\n", b"b\n"}, seen)


class Origin:
    """A small origin that can close its idle keep-alive connections and go on."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.idle, self.lock, self.served = set(), threading.Lock(), 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        data = b""
        try:
            while True:
                with self.lock:
                    self.idle.add(client)
                part = client.recv(65536)
                with self.lock:
                    self.idle.discard(client)
                if not part:
                    return
                data += part
                while b"\r\n\r\n" in data:
                    _, data = data.split(b"\r\n\r\n", 1)
                    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    self.served += 1
        except OSError:
            pass
        finally:
            with self.lock:
                self.idle.discard(client)
            client.close()

    def close_idle(self):
        """What a graceful restart does: connections without a request are closed; a request may be on its way to one."""
        with self.lock:
            clients, self.idle = list(self.idle), set()
        for client in clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return len(clients)


def graceful_restart():
    if missing("wrk"):
        return
    origins = [Origin(), Origin()]
    proxy = Proxy({"o.yaml": service("o", [o.port for o in origins]), "web.yaml": virtual_service(to("o"))}, workers=2)
    load = wrk_start(f"http://127.0.0.1:{proxy.port}/", 10, connections=16)
    closed = 0
    end = time.time() + 8
    while time.time() < end:
        time.sleep(0.1)
        closed += origins[int(time.time() * 10) % 2].close_idle()
    numbers = wrk_wait(load)
    check("reused connections that an origin closes fail no idempotent request", numbers["failed"] == 0 and closed > 100,
          f"{numbers['requests']} requests, {closed} connections closed under them, {numbers['failed']} failed")

    # One endpoint only, and the process restarted by its own graceful means.
    a = port()
    body = {a: 'location / { return 200 "a\\n"; }'}
    server = nginx(body)
    single = Proxy({"o.yaml": service("o", [a]), "web.yaml": virtual_service(to("o"))})
    load = wrk_start(f"http://127.0.0.1:{single.port}/", 8, connections=16)
    import os, signal
    for _ in range(5):
        time.sleep(1)
        os.kill(server.pid, signal.SIGHUP)  # Workers are replaced; idle connections closed; the port stays.
    numbers = wrk_wait(load)
    check("five graceful restarts of the only nginx behind it fail nothing", numbers["failed"] == 0,
          f"{numbers['requests']} requests, {numbers['sockets']} socket errors, {numbers['statuses']} not 2xx")


class Mirror:
    """Upstreams that are bad company: hang (accepts, never answers), slow (answers after 300 ms), refuse (nobody listens)."""

    def __init__(self, kind):
        self.kind = kind
        if kind == "refuse":
            self.port = port()
            return
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        self.clients = []
        while True:
            client, _ = self.listener.accept()
            self.clients.append(client)
            if self.kind == "slow":
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        try:
            while client.recv(65536):
                time.sleep(0.3)
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        except OSError:
            pass


def mirror_latency():
    if missing("wrk", "nginx"):
        return
    a = port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    rules = to("o") + "  mirrors:\n  - destination: {host: m.internal, port: {number: 80}}\n"
    for kind in ("hang", "refuse", "slow"):
        bad = Mirror(kind)
        proxy = Proxy({"o.yaml": service("o", [a]), "m.yaml": service("m", [bad.port]), "web.yaml": virtual_service(to("o"))})
        url = f"http://127.0.0.1:{proxy.port}/"
        wrk(url, 1, 8)
        idle = rss(proxy.pid)
        rounds = {"without": [], "with": []}
        for _ in range(5):
            for mode in rounds:
                before = proxy.generation()
                proxy.write("web.yaml", virtual_service(rules if mode == "with" else to("o")))
                until(lambda: proxy.generation() > before, 3)
                # A fixed pace: the mirror's own CPU must not be what is measured.
                rounds[mode].append(_paced(proxy.port, 1.0))
        median = {mode: [statistics.median(column) for column in zip(*values)] for mode, values in rounds.items()}
        p50, p99 = median["with"][0] - median["without"][0], median["with"][1] - median["without"][1]
        failed = sum(value[2] for values in rounds.values() for value in values)
        check(f"a mirror that {'answers slowly' if kind == 'slow' else kind + 's'} does not change the primary",
              failed == 0 and p50 < 0.15 and p99 < 1.0,
              f"p50 {median['without'][0]:.3f} → {median['with'][0]:.3f} ms, p99 {median['without'][1]:.3f} → "
              f"{median['with'][1]:.3f} ms, {failed} failed")
        load = wrk(url, 2, 64)
        check("  and under full load fails nothing, in bounded memory", load["failed"] == 0 and rss(proxy.pid) - idle < 20_000,
              f"{load['requests']} requests, {load['failed']} failed, RSS +{rss(proxy.pid) - idle} KiB")
        proxy.stop(9)


def _paced(number, seconds, rate=1500):
    """Latencies of GETs at a fixed rate over four connections: (p50, p99, failed) in ms."""
    clients = [socket.create_connection(("127.0.0.1", number)) for _ in range(4)]
    for client in clients:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.settimeout(5)
    samples, failed, start = [], 0, time.perf_counter()
    for index in range(int(rate * seconds)):
        while time.perf_counter() < start + index / rate:
            pass
        client = clients[index % 4]
        began = time.perf_counter()
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = client.recv(4096)
        samples.append((time.perf_counter() - began) * 1000)
        failed += not answer.startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()
    samples.sort()
    return samples[len(samples) // 2], samples[int(len(samples) * 0.99)], failed


def starvation():
    if missing("nginx"):
        return
    a = port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    proxy = Proxy({"o.yaml": service("o", [a]), "web.yaml": virtual_service(to("o")),
                   "rule.yaml": RULE + "    connectionPool: {tcp: {maxConnections: 1}}\n"}, workers=2)
    counts, worst, failed = [0] * 64, [0.0] * 64, [0]
    end = time.time() + 20

    def client(index):
        try:
            peer = socket.create_connection(("127.0.0.1", proxy.port))
            peer.settimeout(20)
            while time.time() < end:
                began = time.perf_counter()
                peer.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
                answer = peer.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200"):
                    failed[0] += 1
                counts[index] += 1
                worst[index] = max(worst[index], time.perf_counter() - began)
        except OSError:
            failed[0] += 1

    threads = [threading.Thread(target=client, args=(i,)) for i in range(64)]
    for thread in threads:
        thread.start()
    connections = []
    while time.time() < end - 1:
        time.sleep(1)
        output, _ = run(["ss", "-Htn", "state", "established", f"( dport = :{a} )"])
        connections.append(len([l for l in output.splitlines() if l.strip()]))
    for thread in threads:
        thread.join(40)
    check("two workers, maxConnections 1: each of 64 clients is served, none fails", min(counts) > 0 and failed[0] == 0,
          f"{sum(counts)} requests in 20 s, fewest {min(counts)}, most {max(counts)}, slowest answer {max(worst) * 1000:.0f} ms, "
          f"{failed[0]} failed")
    check("no request starves", max(worst) < 2.0 and min(counts) * 5 > max(counts), f"{max(worst) * 1000:.0f} ms")
    check("never more than one connection", max(connections) <= 1, connections)
