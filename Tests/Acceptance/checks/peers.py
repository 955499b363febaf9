"""Usual origins and usual clients."""

import os
import re
import socket
import sys
import time

from harness import ROOT, WORK, Proxy, check, listens, missing, nginx, note, port, raw, run, service, start, until, virtual_service

NODE = """
const http = require('http');
http.createServer((q, s) => {
  let n = 0; q.on('data', d => n += d.length);
  q.on('end', () => { s.setHeader('x-got', q.method + ' ' + n); s.write('node '); s.end(q.url + '\\n'); });
}).listen(%d, '127.0.0.1');
"""

FLASK = """
import sys
from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler
WSGIRequestHandler.protocol_version = sys.argv[2]
app = Flask(__name__)
@app.route('/', defaults={'p': ''}, methods=['GET', 'POST', 'PUT'])
@app.route('/<path:p>', methods=['GET', 'POST', 'PUT'])
def page(p):
    if p == 'stream':
        return Response(str(i) + '\\n' for i in range(1000))
    return f'flask {len(request.get_data())}\\n'
app.run('127.0.0.1', int(sys.argv[1]), threaded=True)
"""


def _python_with_flask():
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and run([python, "-c", "import flask"])[1] == 0:
            return python
    return None


def origins_and_clients():
    if missing("nginx", "curl"):
        return
    origins, names = {}, ["nginx", "python"]
    for name in ("nginx", "python", "node", "flask10", "flask11"):
        origins[name] = port()
    folder = os.path.join(WORK, "files")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "big"), "wb") as file:
        file.write(os.urandom(3_000_000))
    with open(os.path.join(folder, "index.html"), "w") as file:
        file.write("index\n")
    nginx({origins["nginx"]: f"root {folder}; location /echo {{ return 200 \"nginx $request_method $http_host\\n\"; }}"})
    start([sys.executable, "-m", "http.server", str(origins["python"]), "--bind", "127.0.0.1", "--directory", folder])
    if not missing("node"):
        start(["node", "-e", NODE % origins["node"]])
        names.append("node")
    if python := _python_with_flask():
        for name, version in (("flask10", "HTTP/1.0"), ("flask11", "HTTP/1.1")):
            start([python, "-c", FLASK, str(origins[name]), version])
            names.append(name)
    else:
        note("SKIP: flask is not installed")
    for name in names:
        until(lambda: listens(origins[name]), 10)
    files = {f"{name}.yaml": service(name, [origins[name]]) for name in names}
    rules = "".join(f"""
- match: [{{uri: {{prefix: /{name}/}}}}]
  rewrite: {{uri: /}}
  route: [{{destination: {{host: {name}.internal, port: {{number: 80}}}}}}]
""" for name in names)
    proxy = Proxy(dict(files, **{"web.yaml": virtual_service(rules)}), workers=2)
    base = f"http://127.0.0.1:{proxy.port}"

    def curl(*arguments):
        return run(["curl", "-sS", "-m", "20", *arguments])

    code = ["-o", "/dev/null", "-w", "%{http_code} %{size_download} %{num_connects}\\n"]
    for name in names:
        good = {}
        got, _ = curl(*code, f"{base}/{name}/", *code, f"{base}/{name}/")
        good["keep-alive"] = re.fullmatch(r"200 \d+ 1\s+200 \d+ 0\s*", got)
        good["HTTP/1.0"] = curl("-0", *code, f"{base}/{name}/")[0].startswith("200")
        good["HEAD"] = curl("-I", f"{base}/{name}/")[0].startswith("HTTP/1.1 200")
        if name in ("nginx", "python"):
            good["3 MB"] = curl(*code, f"{base}/{name}/big")[0].startswith("200 3000000")
            direct, _ = run(["bash", "-c", f"curl -sS {base}/{name}/big | cmp - {folder}/big && echo same"])
            good["bytes"] = "same" in direct
            good["404"] = curl(*code, f"{base}/{name}/nothing")[0].startswith("404")
        else:
            big = f"{folder}/big"
            good["upload"] = "200" in curl(*code, "-T", big, f"{base}/{name}/up")[0]
            good["chunked"] = "200" in curl(*code, "-H", "Transfer-Encoding: chunked", "-T", big, f"{base}/{name}/up")[0]
            good["expect"] = "200" in curl(*code, "-H", "Expect: 100-continue", "--data-binary", f"@{big}", f"{base}/{name}/up")[0]
            text = curl("-H", "Transfer-Encoding: chunked", "-T", big, "-i", f"{base}/{name}/up")[0]
            # Werkzeug's development server speaks HTTP/1.0 and reads no chunked body there.
            good["count"] = "3000000" in text or name == "flask10"
        if name.startswith("flask"):
            good["stream"] = curl(f"{base}/{name}/stream")[0].endswith("\n998\n999\n")
        check(f"{name} behind it, curl before it", all(good.values()), ", ".join(f"{k} {'ok' if v else 'BROKEN'}" for k, v in good.items()))

    one = b"GET /nginx/echo HTTP/1.1\r\nHost: h%d\r\n\r\n"
    answer, _ = raw(proxy.port, b"".join(one % index for index in range(200)), 3, end=b"h199\n")
    order = [int(n) for n in re.findall(rb"nginx GET h(\d+)", answer)]
    check("200 pipelined requests are answered in order", order == list(range(200)), len(order))
    mixed = b"POST /node/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" \
            b"HEAD /nginx/echo HTTP/1.1\r\nHost: b\r\n\r\nGET /nginx/echo HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"
    answer, closed = raw(proxy.port, mixed, 3)
    check("POST in chunks, HEAD, and GET with close, pipelined",
          answer.count(b"HTTP/1.1 200") == 3 and b"nginx GET c" in answer and closed, answer.count(b"HTTP/1.1 200"))
    if not missing("ab"):
        for options in ([], ["-k"]):
            output, status = run(["ab", "-q", *options, "-c", "20", "-n", "20000", f"{base}/nginx/echo"])
            failed = re.search(r"Failed requests:\s+(\d+)", output)
            bad = re.search(r"Non-2xx responses:\s+(\d+)", output)
            check(f"ab {' '.join(options)} -c 20 -n 20000", status == 0 and failed and failed[1] == "0" and not bad,
                  (re.search(r"Requests per second.*", output) or [output[-300:]])[0])
    if not missing("wrk"):
        from harness import wrk
        for name in names:
            numbers = wrk(f"{base}/{name}/", 2, 8)
            check(f"wrk, {name}", numbers["failed"] == 0 and numbers["requests"] > 50,
                  f"{numbers['requests']} requests, {numbers['sockets']} socket errors, {numbers['statuses']} not 2xx")
    if not missing("siege"):
        output, _ = run(["siege", "-b", "-c", "8", "-t", "3S", f"{base}/nginx/echo"], env=dict(os.environ, HOME=WORK))
        found = re.search(r'availability"?:\s+([\d.]+)', output)
        check("siege -b", found and float(found[1]) == 100, found and found[1])
