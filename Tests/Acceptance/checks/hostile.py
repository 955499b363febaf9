"""A directory that means no good: never a crash, always a line, and the others serve."""

import os
import re
import socket
import subprocess
import time

from harness import BINARY, WORK, Proxy, check, nginx, note, port, rss, run, service, status, to, until, virtual_service

NAMES = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: %s, namespace: workshop}\n"

FILES = {
    "alias-bomb.yaml": "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)),
    "alias-bomb-spec.yaml": NAMES % "bomb" + "x: &a [1,2]\nspec:\n" + "".join(
        f"  k{i}: &k{i} [{', '.join([f'*k{i - 1}'] * 10)}]\n" if i else "  k0: &k0 [a]\n" for i in range(14)),
    "cycle.yaml": NAMES % "cycle" + "spec: &s\n  hosts: [a]\n  http: *s\n",
    "cycle-two.yaml": "&a [*a]\n",
    "duplicate-key.yaml": NAMES % "twice" + "spec:\n  hosts: [a.b]\n  hosts: [c.d]\n  http: [{directResponse: {status: 200}}]\n",
    "unknown-field.yaml": NAMES % "unknown" + "spec:\n  hosts: [e.f]\n  htp: []\n  http: [{directResponse: {status: 200}}]\n",
    "nul.yaml": "apiVersion: v1\nkind: \0Service\nmetadata: {name: nul}\n",
    "nul-only.yaml": "\0" * 4096,
    "control.yaml": "".join(chr(c) for c in range(1, 32)),
    "deep.yaml": "[" * 100_000,
    "deep-map.yaml": "a: " + "{a: " * 20_000,
    "deep-block.yaml": "".join(" " * i + "a:\n" for i in range(2000)),
    "tabs.yaml": "a:\n\t- b\n",
    "bom.yaml": "\ufeffapiVersion: v1\nkind: Service\nmetadata: {name: bom, namespace: workshop}\nspec: {ports: [{port: 80}]}\n",
    "scalar.yaml": "just words",
    "list.yaml": "- a\n- b\n",
    "empty.yaml": "",
    "many-documents.yaml": "---\n" * 50_000,
    "wrong-types.yaml": "apiVersion: [v1]\nkind: {a: b}\nmetadata: 7\nspec: true\n",
    "wrong-spec.yaml": NAMES % "wrong" + "spec: [1, 2]\n",
    "numbers.yaml": NAMES % "numbers" + "spec:\n  hosts: [x.y]\n  http:\n  - route:\n    - destination: {host: x, port: {number: "
                    "99999999999999999999999}}\n      weight: -9223372036854775809\n    timeout: 1e400s\n",
    "durations.yaml": NAMES % "durations" + "spec:\n  hosts: [x.y]\n  http:\n  - timeout: 9999999999999999999h\n    route: "
                      "[{destination: {host: x}}]\n",
    "regex.yaml": NAMES % "regex" + "spec:\n  hosts: [r.r]\n  http:\n  - match: [{uri: {regex: '((((a{1,1000}){1,1000}){1,1000}'}}]\n"
                  "    directResponse: {status: 200}\n",
    "tags.yaml": "!!python/object/apply:os.system ['true']\n",
    "utf16.yaml": "a: b\n".encode("utf-16").decode("latin-1"),
    "cidr.yaml": "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: c, namespace: workshop}\nspec:\n  hosts: "
                 "['*', '', '...', '" + "a" * 5000 + "']\n  addresses: [999.1.1.1/99]\n  ports: [{number: 70000, name: '', protocol: X}]\n"
                 "  resolution: NOPE\n  endpoints: [{address: ''}]\n",
    "proxy-twin.yaml": "apiVersion: outrider.dev/v1alpha1\nkind: Proxy\nmetadata: {name: ingress, namespace: workshop}\nspec: {mode: gateway}\n",
}


def _served(proxy):
    try:
        return proxy.alive() and proxy.get("/", timeout=5)[0] == 200
    except OSError:
        return False


def directory():
    a = port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    good = {"o.yaml": service("o", [a]), "web.yaml": virtual_service(to("o"))}
    proxy = Proxy(good)
    silent = []
    for name, text in FILES.items():
        before = len(proxy.log())
        with open(os.path.join(proxy.directory, name), "wb") as file:
            file.write(text.encode("latin-1" if name == "utf16.yaml" else "utf-8"))
        if name != "empty.yaml" and name != "many-documents.yaml" and name != "bom.yaml":
            if not until(lambda: name in proxy.log()[before:], 4):
                silent.append(name)
        if not _served(proxy):
            check(f"{name} leaves the others serving", False, proxy.log()[-600:])
            return
    check(f"{len(FILES)} hostile files one after another: the others serve", _served(proxy))
    check("each is told with its name", not silent, silent)
    check("a diagnostic says duplicate and unknown by line",
          re.search(r"duplicate-key\.yaml:6: error", proxy.log()) and re.search(r"unknown-field\.yaml:6: error", proxy.log()))
    note(f"RSS {rss(proxy.pid)} KiB")

    folder = proxy.directory
    os.mkdir(os.path.join(folder, "folder.yaml"))
    os.mkfifo(os.path.join(folder, "fifo.yaml"))
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)
    listener.bind("socket.yaml")
    os.chdir(here)
    os.symlink("/nowhere/at/all", os.path.join(folder, "dangling.yaml"))
    os.symlink(".", os.path.join(folder, "circle"))
    os.symlink("/dev/zero", os.path.join(folder, "zero.yaml"))
    os.symlink("self.yaml", os.path.join(folder, "self.yaml"))
    proxy.write("unreadable.yaml", good["o.yaml"])
    os.chmod(os.path.join(folder, "unreadable.yaml"), 0)
    time.sleep(0.5)
    generation = proxy.generation()
    proxy.write("web.yaml", virtual_service("- name: changed\n" + to("o").replace("- route", "  route")))
    moved = until(lambda: proxy.generation() > generation, 5)
    check("folders, FIFOs, sockets, links to nowhere, /dev/zero and itself stop nothing", moved and _served(proxy),
          f"generation {proxy.generation()}")
    for name in ("fifo.yaml", "dangling.yaml", "zero.yaml", "socket.yaml"):
        note(next((line[25:160] for line in proxy.log().splitlines() if name in line), f"no line about {name}"))
    check_output, code = run([BINARY, "check", "--config", folder], timeout=30)
    check("outrider check says the same and ends with 1", code == 1 and "duplicate-key.yaml" in check_output, code)

    end = time.time() + 4
    index = 0
    while time.time() < end:
        index += 1
        path = os.path.join(folder, f"vanishing-{index % 20}.yaml")
        with open(path, "w") as file:
            file.write(good["o.yaml"].replace("name: o", f"name: v{index % 20}").replace("o.internal", f"v{index % 20}.internal"))
        if index % 2:
            os.unlink(path)
    check("files that come and go during the scan", _served(proxy), f"{index} of them")

    big = os.path.join(folder, "big.yaml")
    with open(big, "w") as file:
        file.write("# " + "x" * 1000 + "\n")
        for index in range(50_000):
            file.write(f"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{index}}}\ndata: {{k: '{'v' * 950}'}}\n")
    size = os.path.getsize(big)
    began = time.time()
    while time.time() - began < 3:
        if not _served(proxy):
            break
        time.sleep(0.02)
    told = until(lambda: "big.yaml" in proxy.log(), 60)
    check(f"a file of {size >> 20} MB", told and _served(proxy),
          next((line[25:200] for line in proxy.log().splitlines() if "big.yaml" in line), "no line") + f", {time.time() - began:.1f} s, "
          f"RSS {rss(proxy.pid)} KiB, at most {status(proxy.pid, 'VmHWM')}")


def large():
    a = port()
    nginx({a: 'location / { return 200 "a\\n"; }'})
    count = 10_000
    text = "".join(f"""---
apiVersion: v1
kind: Service
metadata: {{name: s{i}, namespace: workshop}}
spec:
  ports: [{{name: http, port: 80, targetPort: {a}}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: s{i}, namespace: workshop, labels: {{kubernetes.io/service-name: s{i}}}}}
addressType: IPv4
ports: [{{name: http, port: {a}}}]
endpoints: [{{addresses: [127.0.0.1]}}]
""" for i in range(count))
    files = {"services.yaml": text}
    rules = lambda i, marker: f"""apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: v{i}, namespace: workshop}}
spec:
  hosts: [h{i}.example.com]
  gateways: [web]
  http:
  - name: {marker}
    headers: {{response: {{set: {{x-marker: {marker}}}}}}}
    route: [{{destination: {{host: s{i}, port: {{number: 80}}}}}}]
"""
    for part in range(100):
        files[f"rules-{part}.yaml"] = "---\n".join(rules(i, "old") for i in range(part * 100, part * 100 + 100))
    proxy = Proxy(files)
    check(f"{count} VirtualServices and Services start in 5 s", proxy.start_seconds < 5,
          f"{proxy.start_seconds:.1f} s, RSS {rss(proxy.pid)} KiB")
    answer = proxy.get("/", {"Host": "h7777.example.com"})
    check("the last one answers as the first", answer[0] == 200, answer)
    began = time.time()
    proxy.write("rules-50.yaml", files["rules-50.yaml"].replace("x-marker: old", "x-marker: new", 1))
    import http.client

    def live():
        peer = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)
        peer.request("GET", "/", headers={"Host": "h5000.example.com"})
        found = peer.getresponse().getheader("x-marker")
        peer.close()
        return found == "new"

    changed = until(live, 10)
    check("one change of them is live in a second", changed and time.time() - began < 1, f"{time.time() - began:.2f} s")
    note(next((l for l in reversed(proxy.log().splitlines()) if "generation" in l), "")[:200])
