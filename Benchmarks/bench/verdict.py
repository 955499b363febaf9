"""What was aimed at beside what was measured."""
import statistics

from .report import markdown, spread

# (row, value, limit, what it says)
TARGETS = [
    ("keepalive", "/haproxy", 0.80, "HTTP/1.1 keep-alive, CPU to HAProxy"),
    ("keepalive", "/envoy", 0.20, "HTTP/1.1 keep-alive, CPU to Envoy"),
    ("keepalive", "/floor", 1.30, "HTTP/1.1 keep-alive, CPU to the floor"),
    ("h2-h1", "/haproxy", 0.90, "HTTP/2 → HTTP/1.1, CPU to HAProxy"),
    ("h2-h1", "/envoy", 0.25, "HTTP/2 → HTTP/1.1, CPU to Envoy"),
    ("h2-h2", "/haproxy", 0.90, "HTTP/2 → HTTP/2, CPU to HAProxy"),
    ("h2-h2", "/envoy", 0.25, "HTTP/2 → HTTP/2, CPU to Envoy"),
    ("grpc", "/haproxy", 0.90, "gRPC-shaped, CPU to HAProxy"),
    ("grpc", "/envoy", 0.25, "gRPC-shaped, CPU to Envoy"),
    ("tls-tls", "/haproxy", 1.00, "TLS on both sides, CPU to HAProxy"),
    ("tls-tls", "/envoy", 0.40, "TLS on both sides, CPU to Envoy"),
    ("mtls-mtls", "/haproxy", 1.00, "mutual TLS on both sides, CPU to HAProxy"),
    ("mtls-mtls", "/envoy", 0.40, "mutual TLS on both sides, CPU to Envoy"),
    ("close", "/haproxy", 1.00, "a new connection per request, CPU to HAProxy"),
    ("get-1m", "/haproxy", 1.00, "GET of 1 MiB, CPU per byte to HAProxy"),
    ("post-1m", "/haproxy", 1.00, "POST of 1 MiB, CPU per byte to HAProxy"),
    ("latency", "p99", 1.00, "p99 at 70 % of HAProxy's saturation, to HAProxy's"),
    ("latency", "p999", 1.00, "p99.9 at 70 % of HAProxy's saturation, to HAProxy's"),
    ("keepalive", "resident", 20, "RSS idle, MB"),
    ("keepalive", "anonymous", 6, "of which anonymous, MB"),
    ("idle", "connection outrider", 1024, "a kept idle client connection, bytes"),
    ("rules-hosts", "growth outrider", 1.20, "10,000 rules on different hosts, CPU to that with 10"),
    ("rules-paths", "growth outrider", 1.20, "10,000 rules on one host, CPU to that with 10"),
    ("start", "start", 5, "cold start with 10,000 VirtualServices, s"),
    ("start", "change", 1, "one of 10,000 VirtualServices changed, live after, s"),
    ("start", "lost", 0, "requests lost by a change among 10,000"),
    ("reload", "lost outrider", 0, "requests lost under a change a second"),
    ("idlecpu", "wake-ups outrider", 0, "wake-ups without work"),
]


def table(sections):
    """Of what was measured. `sections`: {row: Section}. By the median; what must not happen at all, by the worst."""
    rows = []
    for row, key, limit, words in TARGETS:
        found = sections[row].values.get(key) if row in sections else None
        if not found:
            continue
        value = statistics.median(found) if limit else max(found)
        digits = 2 if limit and limit < 20 else 0
        rows.append([row, words, f"≤ {limit:g}" if limit < 20 and limit else f"{limit}" if not limit else f"≤ {limit:,}",
                     spread(found, digits), "yes" if value <= limit else "**no**"])
    return markdown(["row", "target", "limit", "measured", "reached"], rows) if rows else []
