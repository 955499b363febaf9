"""Usual clients and origins of HTTP/2 and TLS: curl, nghttp, h2load, node, httpx; nghttpd and node behind. FRONT chooses the proxy."""

import os
import re
import sys

from harness import WORK, check, listens, missing, note, run, start, stop, until
from checks.protocols import Front, Origins, certificates, ready

NODE_ORIGIN = """
const http2 = require('http2'), fs = require('fs');
const answer = (stream, fields) => {
  let count = 0;
  stream.on('data', part => count += part.length);
  stream.on('error', () => {});
  stream.on('end', () => {
    if (stream.destroyed) return;
    stream.respond({':status': 200, 'x-node': 'h2', 'content-type': 'text/plain'}, {waitForTrailers: true});
    stream.on('wantTrailers', () => stream.sendTrailers({'x-count': String(count)}));
    stream.end('node ' + fields[':method'] + ' ' + fields[':path'] + ' ' + count + '\\n');
  });
};
http2.createServer().on('stream', answer).listen(%d, '127.0.0.1');
http2.createSecureServer({cert: fs.readFileSync('%s'), key: fs.readFileSync('%s')}).on('stream', answer).listen(%d, '127.0.0.1');
"""

NODE_CLIENT = """
const http2 = require('http2');
const session = http2.connect('%s', {rejectUnauthorized: false, servername: '%s'});
session.on('error', error => { console.log('error ' + error.message); process.exit(1); });
let left = 200, good = 0;
for (let i = 0; i < 200; i++) {
  const body = Buffer.alloc(i * 100, 'x');
  const stream = session.request({':method': 'POST', ':path': '/n' + i, ':authority': '%s'});
  let text = '', trailers = {};
  stream.on('trailers', fields => trailers = fields);
  stream.on('data', part => text += part);
  stream.on('error', () => {});
  stream.on('close', () => {
    if (text === 'node POST /n' + i + ' ' + i * 100 + '\\n' && trailers['x-count'] === String(i * 100)) good++;
    if (--left === 0) { console.log(good); session.close(); }
  });
  stream.end(body);
}
"""

HTTPX = """
import asyncio, httpx, ssl, sys
async def main():
    tls = ssl._create_unverified_context()
    async with httpx.AsyncClient(http2=True, verify=tls) as client:
        got = await asyncio.gather(*[client.post(sys.argv[1] + '/x%d' % i, content=b'y' * i * 50, headers={'Host': sys.argv[2]}) for i in range(100)])
    print(sum(g.status_code == 200 and g.http_version == 'HTTP/2' and g.text.endswith(' %d\\n' % (i * 50)) for i, g in enumerate(got)))
asyncio.run(main())
"""


def usual():
    if not ready() or missing("node", "curl", "nghttp", "h2load"):
        return
    origins = Origins()
    stop(origins.child)
    chain, key = certificates()["server"]
    rest = [a for kind in ("h1", "tls-h1") for a in ("--" + kind, str(origins.ports[kind]))]
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    origins.child = start([sys.executable, os.path.join(here, "peers", "origin.py"), *rest, "--cert", chain, "--key", key, "--record", origins.path])
    node = start(["node", "-e", NODE_ORIGIN % (origins.ports["h2"], chain, key, origins.ports["tls-h2"])])
    for number in origins.ports.values():
        until(lambda: listens(number), 15)
    root = certificates().file("root.crt")
    big = os.path.join(WORK, "big-upload")
    with open(big, "wb") as file:
        file.write(os.urandom(3_000_000))
    with Front.chosen(origins) as front:
        for up in ("h2", "tls-h2"):
            host = f"{up}.test"
            plain, tls = f"{host}:{front.port('h2', up)}", f"{host}:{front.port('tls-h2', up)}"
            if front.name == "direct" and up == "tls-h2":
                plain = None
            if front.name == "direct" and up == "h2":
                tls = None
            good = {}
            for name, address, options in (("prior knowledge", plain, ["--http2-prior-knowledge"]), ("TLS", tls, ["--http2", "--cacert", root]),
                                           ("TLS 1.2", tls, ["--http2", "--cacert", root, "--tls-max", "1.2"]), ("HTTP/1.1 over TLS", tls, ["--http1.1", "--cacert", root]),
                                           ("HTTP/1.1", plain, ["--http1.1"]), ("h2c", plain, ["--http2"])):
                if address is None or front.name == "direct" and ("1.1" in name or name == "h2c"):
                    continue
                scheme = "https" if "TLS" in name else "http"
                text, _ = run(["curl", "-sS", "-m", "20", "--connect-to", f"{address}:127.0.0.1:{address.split(':')[1]}", *options, "-w", "%{http_version} %{http_code}",
                               "-T", big, f"{scheme}://{address}/up"], timeout=30)
                wanted = "1.1" if "1.1" in name else "2"
                good[name] = text.endswith(f"node PUT /up 3000000\n{wanted} 200") or (name == "h2c" and "node PUT /up 3000000" in text)
                if not good[name]:
                    note(f"curl {name}: {text[-200:]}")
            check(f"curl > {up}", all(good.values()), ", ".join(f"{k} {'ok' if v else 'BROKEN'}" for k, v in good.items()))
            for name, address in (("http", plain), ("https", tls)):
                if address is None:
                    continue
                number = address.split(":")[1]
                text, _ = run(["nghttp", "-v", "-H", f":authority: {host}", "-d", big, f"{name}://127.0.0.1:{number}/ng", f"{name}://127.0.0.1:{number}/ng2"], timeout=30)
                check(f"nghttp {name} > {up}", text.count(":status: 200") == 2 and text.count("x-count: 3000000") == 2, text[-200:] if ":status: 200" not in text else "")
                text, _ = run(["h2load", "-n", "5000", "-c", "10", "-m", "20", "-H", f":authority: {host}", f"{name}://127.0.0.1:{number}/load"], timeout=90)
                counts = re.search(r"requests: .*", text)
                check(f"h2load {name} > {up}", "5000 succeeded, 0 failed" in text, counts and counts[0])
                text, _ = run(["node", "-e", NODE_CLIENT % (f"{name}://127.0.0.1:{number}", host, host)], timeout=60)
                check(f"node, 200 streams with trailers, {name} > {up}", text.strip() == "200", text[-200:])
            if tls:
                try:
                    import httpx
                    text, _ = run([sys.executable, "-c", HTTPX, f"https://127.0.0.1:{tls.split(':')[1]}", host], timeout=60)
                    check(f"httpx over TLS > {up}", text.strip() == "100", text[-300:])
                except ImportError:
                    note("SKIP: httpx is not installed")
        stop(node)
