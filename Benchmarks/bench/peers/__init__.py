"""Who is measured. All do the same: the same number of workers, route by a header (or by the row's rules) to one of two groups, a
request id, x-forwarded-for, counters, no access log; where TLS is spoken the same certificate, TLS 1.3, one cipher suite, the
upstream verified."""
from . import envoy, floor, haproxy, nginx, outrider

PEERS = {module.NAME: module.Peer for module in (floor, haproxy, nginx, envoy, outrider)}
