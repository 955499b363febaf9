#!/usr/bin/env python3
"""The product, judged from outside: the release binary under real clients, real origins and hostile input.

    Tests/Acceptance/accept.py                 every check, about twenty minutes
    Tests/Acceptance/accept.py --only reload   one of them; --list names them

Needs siege, wrk, ab, curl, nginx, node, nghttp and h2load, and from PyPI, for the Python that runs it, hpack, cryptography, websockets,
grpcio, grpcio-health-checking and httpx[http2]. H2SPEC names an h2spec binary, GRPC_INTEROP a folder with gRPC's interop client and
server, AUTOBAHN a runner of Autobahn's cases. FRONT=envoy (or nghttpx, direct) puts another in Outrider's place, to judge the checks
themselves; MATRIX, CASE and ATTACK take a part (see checks/protocols.py and checks/http2_attacks.py). What is missing is
skipped and said. OUTRIDER_BINARY names another binary. Each check prints PASS or FAIL with what was measured; the exit
status is 1 when one failed. All traffic stays on the loopback.
"""

import argparse
import resource
import sys
import time
import traceback

import harness
from checks import (bodies, clients, demo, grpcs, hostile, http2, http2_attacks, limits, manifests, mutual, peers, protocols, reloading,
                    smuggling, tls_attacks, upstreams, vectors, websocket)

CHECKS = {
    "demo": demo.scenarios,
    "reload": reloading.under_load,
    "peers": peers.origins_and_clients,
    "bodies": bodies.large,
    "slow": bodies.slow_readers,
    "vectors": vectors.requests,
    "eject": upstreams.ejection,
    "restart": upstreams.graceful_restart,
    "mirror": upstreams.mirror_latency,
    "starve": upstreams.starvation,
    "idle": limits.idle,
    "descriptors": limits.descriptors,
    "drain": limits.drain,
    "hostile": hostile.directory,
    "large": hostile.large,
    "manifests": manifests.public,
    "protocols": protocols.matrix,
    "h2clients": clients.usual,
    "h2spec": http2.conformance,
    "grpc": grpcs.calls,
    "grpcinterop": grpcs.interop,
    "websocket": websocket.same,
    "tlsgateway": mutual.gateway,
    "tlsupstream": mutual.upstream,
    "mesh": mutual.mesh,
    "h2floods": http2_attacks.floods,
    "h2smuggling": smuggling.smuggling,
    "tlsattacks": tls_attacks.tls,
}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", action="append", choices=CHECKS, metavar="NAME")
    options.add_argument("--list", action="store_true")
    chosen = options.parse_args()
    if chosen.list:
        return print("\n".join(CHECKS))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for name in chosen.only or CHECKS:
        harness.begin(name)
        began = time.time()
        try:
            CHECKS[name]()
        except Exception:
            harness.check("the check itself ended well", False, "\n" + traceback.format_exc())
        for child in list(reversed(harness.CHILDREN)):
            harness.stop(child, 9)
        harness.note(f"{time.time() - began:.0f} s")
    failed = [(check, sentence) for check, sentence, holds in harness.RESULTS if not holds]
    print(f"\n{len(harness.RESULTS) - len(failed)} passed, {len(failed)} failed")
    for check, sentence in failed:
        print(f"  {check}: {sentence}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
