"""Many reloads under load: nothing is lost, and memory does not grow."""

import os
import random
import time

from harness import (Proxy, anonymous, check, cpu, missing, nginx, note, port, rss, service, to, until, virtual_service,
                     wrk_start, wrk_wait)

SECONDS = 60


def under_load():
    if missing("wrk", "nginx"):
        return
    a, b = port(), port()
    nginx({a: 'location / { return 200 "a\\n"; }', b: 'location / { return 200 "b\\n"; }'})
    proxy = Proxy({"a.yaml": service("a", [a]), "b.yaml": service("b", [b]), "web.yaml": virtual_service(to("a"))}, workers=2)
    _rounds(proxy, a, b, 20, pause=0.05)  # What the first reloads take belongs to the start.
    before = anonymous(proxy.pid)
    load = wrk_start(f"http://127.0.0.1:{proxy.port}/", SECONDS, connections=32)
    first = proxy.generation()
    began = time.time()
    _rounds(proxy, a, b, 500, pause=(SECONDS - 6) / 500)
    took = time.time() - began
    made = proxy.generation() - first
    numbers = wrk_wait(load)
    check(f"500 edits in {took:.0f} s under wrk lose nothing", numbers["failed"] == 0 and numbers["requests"] > 1000,
          f"{numbers['requests']} requests, {numbers['sockets']} socket errors, {numbers['statuses']} not 2xx, "
          f"{made} generations, p99 {numbers['p99']:.2f} ms")
    time.sleep(3)
    after = anonymous(proxy.pid)
    _rounds(proxy, a, b, 500, pause=0.02)
    time.sleep(3)
    last = anonymous(proxy.pid)
    check("memory does not grow by reloads", last - after < 3000 and last < 40_000,
          f"anonymous {before} KiB before, {after} after 500, {last} after 1000 and {proxy.generation()} generations; "
          f"RSS {rss(proxy.pid)}")
    used = cpu(proxy.pid)
    time.sleep(2)
    check("it is quiet afterwards", cpu(proxy.pid) - used <= 1, f"{cpu(proxy.pid) - used} ticks in 2 s")
    status, _ = proxy.get("/")
    check("it serves afterwards", status == 200 and proxy.alive(), status)


def _rounds(proxy, a, b, count, pause):
    """Valid edits for the most part; every fifth round something broken, half written, deleted or moved."""
    draw = random.Random(7)
    for index in range(count):
        kind = index % 10
        name = "a" if draw.random() < 0.5 else "b"
        weight = draw.randint(0, 100)
        rules = f"""
- name: r{index}
  headers:
    response:
      set: {{x-generation: "{index}"}}
  route:
  - destination: {{host: a.internal, port: {{number: 80}}}}
    weight: {weight}
  - destination: {{host: b.internal, port: {{number: 80}}}}
    weight: {100 - weight}
"""
        good = virtual_service(rules)
        if kind == 3:
            proxy.write("web.yaml", good[: len(good) // 2], atomically=False)
        elif kind == 5:
            proxy.write("web.yaml", "{ this: [is not, YAML\n\t:", atomically=False)
        elif kind == 6:
            proxy.write("extra/sub.yaml", "apiVersion: v1\nkind: Nonsense\nmetadata: {name: x}\n" + "---\n" + good.replace("name: web", "name: other"))
        elif kind == 7:
            if os.path.exists(os.path.join(proxy.directory, "extra/sub.yaml")):
                proxy.delete("extra/sub.yaml")
            # In place, in two writes, as an editor does.
            with open(os.path.join(proxy.directory, "web.yaml"), "w") as file:
                file.write(good[:100])
                file.flush()
                time.sleep(0.002)
                file.write(good[100:])
        elif kind == 8:
            # One endpoint's service comes and goes by its port list; both answer 200.
            proxy.write("b.yaml", service("b", [b, a] if index % 20 == 8 else [b]))
        elif kind == 9:
            # A file goes and comes back under another name: a burst that settles to the same.
            os.rename(os.path.join(proxy.directory, "a.yaml"), os.path.join(proxy.directory, "a2.yaml"))
            os.rename(os.path.join(proxy.directory, "a2.yaml"), os.path.join(proxy.directory, "a.yaml"))
        else:
            proxy.write("web.yaml", good)
        time.sleep(pause)
    proxy.write("web.yaml", virtual_service(to("a")))
    until(lambda: not proxy.log().endswith("\0"), 0.1)
    time.sleep(0.3)
