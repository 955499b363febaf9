"""Certificates of both sides: who is let in, who is believed, and what happens when certificates change. (Outrider alone: the
configuration is Istio's and of our own kind.)"""

import base64
import os
import re
import shutil
import socket
import ssl
import tempfile
import threading
import time

import harness
from harness import WORK, check, listens, note, port, run, start, stop, until
from checks.protocols import certificates, ready


class TLSOrigin:
    """An origin of HTTP/1.1 with one certificate; `seen` holds the heads and the clients' certificates."""

    def __init__(self, leaf=None, client_ca=None, protocols=("http/1.1",), address="127.0.0.1", number=None):
        self.seen, self.failed, self.leaf = [], [], leaf
        self.listener = socket.create_server((address, number or port()), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.context = None
        if leaf:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificates()[leaf])
            self.context.set_alpn_protocols(list(protocols))
            self.context.sni_callback = lambda tls, name, _: setattr(tls, "sni", name)
            if client_ca:
                self.context.load_verify_locations(certificates().file(client_ca))
                self.context.verify_mode = ssl.CERT_REQUIRED
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            client.settimeout(30)
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    part = client.recv(65536)
                    if not part:
                        return
                    data += part
                head, _, data = data.partition(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                fields = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
                self.seen.append((lines[0], fields, getattr(client, "sni", None), self.context and client.getpeercert(),
                                  self.context and client.selected_alpn_protocol()))
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n")
        except (OSError, ssl.SSLError) as error:
            self.failed.append(str(error))
        finally:
            client.close()

    def close(self):
        self.listener.close()


class Running:
    """An Outrider with the given files."""

    def __init__(self, text, name=None, files=()):
        self.directory = tempfile.mkdtemp(dir=WORK, prefix="config-")
        for file in files:
            shutil.copy(file, self.directory)
        self.write(text)
        self.admin = int(re.search(r'admin: \{address: "127.0.0.1:(\d+)"', text.split(f"name: {name},")[1] if name else text).group(1))
        self.child = start([harness.BINARY, "run", "--config", self.directory, "--state", "none", *(["--proxy", name] if name else [])])
        if not until(lambda: listens(self.admin), 15):
            raise RuntimeError("the proxy does not start: " + self.log())
        time.sleep(0.3)

    def write(self, text, name="all.yaml"):
        path = os.path.join(self.directory, name)
        with open(path + ".new", "w") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def log(self):
        return open(self.child.log, errors="replace").read()

    def faults(self):
        for line in self.log().splitlines():
            if " error" in line or "warning" in line:
                note(line[:220])

    def page(self, path):
        return run(["curl", "-sS", "-m", "5", f"http://127.0.0.1:{self.admin}{path}"])[0]

    def stop(self):
        stop(self.child)


def ask(number, name, certificate=None, ca="root.crt", protocols=("http/1.1",), address="127.0.0.1", path="/", fields="", check_name=True,
        sigalgs=None, host=None, version=None):
    """(status or a word, the server's certificate or None). Words: refused (no handshake), cut (closed behind it)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = check_name and name is not None
    context.load_verify_locations(certificates().file(ca))
    if not check_name:
        context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(list(protocols))
    if version:
        context.minimum_version = context.maximum_version = version
    if certificate:
        context.load_cert_chain(*certificates()[certificate])
    try:
        with socket.create_connection((address, number), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as tls:
                shown = tls.getpeercert(binary_form=True)
                try:
                    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or name or 'none'}\r\n{fields}Connection: close\r\n\r\n".encode())
                    got = b""
                    while part := tls.recv(65536):
                        got += part
                except (OSError, ssl.SSLError) as error:
                    return "cut", shown
                return (int(got.split()[1]) if got.startswith(b"HTTP/") else "cut"), shown
    except ssl.SSLCertVerificationError as error:
        return f"distrusted: {error.verify_message}", None
    except (OSError, ssl.SSLError) as error:
        return "refused", None


def der(leaf):
    return ssl.PEM_cert_to_DER_cert(open(certificates()[leaf][0]).read().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")


PROXY = """
apiVersion: outrider.dev/v1alpha1
kind: Proxy
metadata: {{name: ingress, namespace: workshop, labels: {{istio: ingressgateway}}}}
spec:
  mode: gateway
  workers: 2
  admin: {{address: "127.0.0.1:{admin}"}}
  listen:
  - {{port: 443, address: "127.0.0.1:{tls}"}}
  - {{port: 80, address: "127.0.0.1:{plain}"}}
"""

ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: {name}, namespace: workshop}}
spec:
  hosts: [{name}.internal]
  location: MESH_EXTERNAL
  resolution: STATIC
  ports: [{{number: 80, name: http, protocol: HTTP}}]
  endpoints: [{{address: 127.0.0.1, ports: {{http: {port}}}}}]
"""


def gateway():
    """Servers by name, client certificates, and renewal."""
    if not ready():
        return
    c, origin = certificates(), TLSOrigin()
    admin, tls, plain = port(), port(), port()
    with open(c.file("revoked.crl"), "rb") as file:
        crl = base64.b64encode(file.read()).decode()
    secret = c.secret("mutual", "server", ca="root.crt")
    with_crl = c.secret("mutual-crl", "server", ca="root.crt") + f"  ca.crl: {crl}\n"
    server = lambda name, hosts, tls: f"  - port: {{number: 443, name: {name}, protocol: HTTPS}}\n    hosts: [{hosts}]\n    tls: {{{tls}}}\n"
    folder = tempfile.mkdtemp(dir=WORK)
    for leaf, name in (("a", "a"), ("server", "live")):
        for index, end in enumerate(("crt", "key")):
            shutil.copy(c[leaf][index], os.path.join(folder, f"{name}.{end}"))
    text = PROXY.format(admin=admin, tls=tls, plain=plain) + """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: workshop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["redirect.test"]
    tls: {httpsRedirect: true}
""" + server("https-a", "a.test", f"mode: SIMPLE, serverCertificate: {folder}/a.crt, privateKey: {folder}/a.key") \
        + server("https-b", "b.test", "mode: SIMPLE, credentialName: b") \
        + server("https-shop", '"*.shop.test"', "mode: SIMPLE, credentialName: shop") \
        + server("https-m", "h1.test", "mode: MUTUAL, credentialName: mutual") \
        + server("https-r", "h2.test", "mode: MUTUAL, credentialName: mutual-crl") \
        + server("https-o", "web.test", "mode: OPTIONAL_MUTUAL, credentialName: mutual") \
        + server("https-s", "tls-h1.test", "mode: MUTUAL, credentialName: mutual, subjectAltNames: [client.test]") \
        + server("https-l", "live.test", f"mode: SIMPLE, serverCertificate: {folder}/live.crt, privateKey: {folder}/live.key") \
        + server("https-old", "tls-h2.test", "mode: SIMPLE, credentialName: mutual, maxProtocolVersion: TLSV1_2") \
        + c.secret("b", "b") + c.secret("shop", "wildcard") + secret + with_crl + ENTRY.format(name="o", port=origin.port) + """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all, namespace: workshop}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
  - route: [{destination: {host: o.internal, port: {number: 80}}}]
"""
    proxy = Running(text)
    proxy.faults()
    wanted = [("a.test", 200, "a"), ("b.test", 200, "b"), ("x.shop.test", 200, "wildcard"), ("live.test", 200, "server")]
    seen = {name: ask(tls, name) for name, _, _ in wanted}
    check("each name gets its certificate", all(seen[name] == (status, der(leaf)) for name, status, leaf in wanted),
          {name: status for name, (status, _) in seen.items()})
    check("a name that nobody serves is closed, and no name too", ask(tls, "nobody.test")[0] == "refused" and ask(tls, None)[0] == "refused")
    check("x.y.shop.test is not *.shop.test's certificate, yet the server's", ask(tls, "x.y.shop.test", check_name=False)[0] in (200, "refused"),
          ask(tls, "x.y.shop.test", check_name=False)[0])
    misdirected = ask(tls, "a.test", host="b.test")[0]
    check("a Host beside the server name is answered 421 or 404, or by that name's rule", misdirected in (200, 404, 421), misdirected)
    check("TLS 1.2 where it is the most", ask(tls, "tls-h2.test")[0] == 200 and ask(tls, "tls-h2.test", version=ssl.TLSVersion.TLSv1_3)[0] == "refused")
    expected = {None: False, "client": True, "client-rsa": True, "client-expired": False, "client-future": False, "client-other": False,
                "client-self": False, "client-for-servers": False, "workload-frontend": True}
    for name, sentence in (("h1.test", "MUTUAL"), ("web.test", "OPTIONAL_MUTUAL")):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            wrong = []
            for leaf, good in expected.items():
                good = True if leaf is None and name == "web.test" else good
                status = ask(tls, name, leaf, version=version)[0]
                if (status == 200) != good:
                    wrong.append((leaf, status))
            check(f"{sentence} lets in whom it should, {version.name}", not wrong, wrong or f"{len(expected)} clients")
    check("a revoked client is refused, another is not", ask(tls, "h2.test", "client-revoked")[0] != 200 and ask(tls, "h2.test", "client")[0] == 200,
          (ask(tls, "h2.test", "client-revoked")[0], ask(tls, "h2.test", "client")[0]))
    check("subjectAltNames choose among clients", ask(tls, "tls-h1.test", "client")[0] == 200 and ask(tls, "tls-h1.test", "client-rsa")[0] != 200)
    origin.seen.clear()
    ask(tls, "h1.test", "client", fields="X-Forwarded-Client-Cert: By=evil\r\n")
    ask(tls, "a.test", fields="X-Forwarded-Client-Cert: By=evil\r\n")
    ask(tls, "web.test", fields="X-Forwarded-Client-Cert: By=evil\r\n")
    passed = [s[1].get("x-forwarded-client-cert") for s in origin.seen]
    check("x-forwarded-client-cert is ours", len(passed) == 3 and passed[0] and "Hash=" in passed[0] and "evil" not in str(passed) and passed[1] is None
          and passed[2] is None, passed)
    check("x-forwarded-proto says https", all(s[1].get("x-forwarded-proto") == "https" for s in origin.seen))
    answer = run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", "-H", "Host: redirect.test", f"http://127.0.0.1:{plain}/x?y"])[0]
    check("httpsRedirect", answer == "301 https://redirect.test/x?y", answer)

    # Renewal under load.
    ended, failures, served = threading.Event(), [], [0]

    def load():
        while not ended.is_set():
            status, _ = ask(tls, "live.test")
            served[0] += 1
            if status != 200:
                failures.append(status)
    threads = [threading.Thread(target=load) for _ in range(3)]
    [t.start() for t in threads]
    began = time.time()
    for leaf in ("server-new", "server-p384", "server-rsa", "server", "server-new"):
        for index, end in ((0, "crt"), (1, "key")):
            path = os.path.join(folder, f"live.{end}")
            shutil.copy(c[leaf][index], path + ".new")
            os.rename(path + ".new", path)
        if not until(lambda: ask(tls, "live.test")[1] == der(leaf), 5):
            failures.append(f"{leaf} is not shown")
    took = time.time() - began
    with open(os.path.join(folder, "live.crt"), "w") as file:
        file.write("garbage")
    time.sleep(1)
    still = ask(tls, "live.test") == (200, der("server-new"))
    ended.set()
    [t.join() for t in threads]
    check("certificates renewed five times under load: no failure", not failures, f"{served[0]} handshakes, {took:.1f} s {failures[:3]}")
    check("a broken certificate leaves the old one serving, and /certs says stale", still and "stale" in proxy.page("/certs"), still)
    check("keys are nowhere to be read", "PRIVATE" not in proxy.page("/certs") + proxy.page("/config_dump") + proxy.log())
    check("the proxy is alive", proxy.child.poll() is None)
    proxy.stop()
    origin.close()


def upstream():
    """Which origins are believed."""
    if not ready():
        return
    c = certificates()
    admin, tls, plain = port(), port(), port()
    root = c.file("root.crt")
    client = c["client"]
    # name: (origin's leaf, its client authority, the rule's tls, what is right)
    ways = {
        "good": ("server", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test, subjectAltNames: [h1.test]", 200),
        "rsa": ("server-rsa", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test, subjectAltNames: [h1.test]", 200),
        "expired": ("server-expired", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "future": ("server-future", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "other": ("server-other", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "both": ("server-other", None, f"mode: SIMPLE, caCertificates: {c.file('both-roots.crt')}, sni: h1.test", 200),
        "misnamed": ("misnamed", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test, subjectAltNames: [h1.test]", 503),
        "usage": ("server-for-clients", None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "skip": ("server-expired", None, "mode: SIMPLE, insecureSkipVerify: true, sni: h1.test", 200),
        "system": ("server", None, "mode: SIMPLE, sni: h1.test", 503),
        "auto": ("misnamed", None, f"mode: SIMPLE, caCertificates: {root}", 503),
        "plain": (None, None, f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "disabled": ("server", None, "mode: DISABLE", 503),
        "mutual": ("server", "root.crt", f"mode: MUTUAL, caCertificates: {root}, clientCertificate: {client[0]}, privateKey: {client[1]}, sni: h1.test", 200),
        "nocert": ("server", "root.crt", f"mode: SIMPLE, caCertificates: {root}, sni: h1.test", 503),
        "wrongcert": ("server", "root.crt", f"mode: MUTUAL, caCertificates: {root}, clientCertificate: {c['client-other'][0]}, privateKey: "
                                            f"{c['client-other'][1]}, sni: h1.test", 503),
        "missing": ("server", None, f"mode: MUTUAL, caCertificates: {root}, clientCertificate: /nowhere.crt, privateKey: /nowhere.key, sni: h1.test", 503),
    }
    origins = {name: TLSOrigin(leaf, ca) for name, (leaf, ca, _, _) in ways.items()}
    text = PROXY.format(admin=admin, tls=tls, plain=plain) + """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: workshop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
"""
    for name, (_, _, rule, _) in ways.items():
        text += ENTRY.format(name=name, port=origins[name].port) + f"""---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: workshop}}
spec:
  host: {name}.internal
  trafficPolicy: {{tls: {{{rule}}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: workshop}}
spec:
  hosts: [{name}.test]
  gateways: [edge]
  http:
  - route: [{{destination: {{host: {name}.internal, port: {{number: 80}}}}}}]
    retries: {{attempts: 0}}
"""
    proxy = Running(text)
    wrong, reasons = [], {}
    for name, (_, _, _, status) in ways.items():
        out, _ = run(["curl", "-sS", "-m", "20", "-w", "\n%{http_code}", "-H", f"Host: {name}.test", f"http://127.0.0.1:{plain}/{name}"])
        body, _, code = out.rpartition("\n")
        reasons[name] = body[-120:]
        if code != str(status) and not (name == "disabled" and code in ("502", "503")):
            wrong.append((name, code, body[-200:]))
        if status != 200 and name != "disabled" and origins[name].seen:
            wrong.append((name, "a request reached it"))
    check("origins are believed as they should be", not wrong, wrong or f"{len(ways)} origins")
    for name in ("expired", "other", "misnamed", "plain", "nocert"):
        note(f"{name}: {reasons[name]}")
    shown = origins["mutual"].seen and origins["mutual"].seen[0][3]
    check("an origin sees our certificate and its server name", bool(shown) and origins["mutual"].seen[0][2] == "h1.test", shown and shown.get("subjectAltName"))
    check("nothing was sent in plain text", not origins["plain"].seen, origins["plain"].seen[:1])
    proxy.stop()
    [origin.close() for origin in origins.values()]


MESH = """
apiVersion: v1
kind: Service
metadata: {{name: catalogdetail, namespace: workshop}}
spec:
  selector: {{app: catalogdetail}}
  ports: [{{name: http, port: 3000, targetPort: {inbound}}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: catalogdetail, namespace: workshop, labels: {{app: catalogdetail, security.istio.io/tlsMode: istio}}}}
spec:
  serviceAccountName: {account}
  containers: [{{name: c, ports: [{{name: http, containerPort: {inbound}}}]}}]
status: {{podIP: 127.0.7.3}}
---
apiVersion: outrider.dev/v1alpha1
kind: Proxy
metadata: {{name: server, namespace: workshop, labels: {{app: catalogdetail}}}}
spec:
  mode: sidecar
  serviceAccount: catalogdetail
  workers: 1
  admin: {{address: "127.0.0.1:{server_admin}"}}
  identity: {{certificateChain: {server[0]}, privateKey: {server[1]}, rootCertificates: {root}}}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {{name: server, namespace: workshop}}
spec:
  workloadSelector: {{labels: {{app: catalogdetail}}}}
  ingress:
  - port: {{number: {inbound}, name: http, protocol: HTTP}}
    bind: 127.0.7.3
    defaultEndpoint: 127.0.0.1:{origin}
---
apiVersion: outrider.dev/v1alpha1
kind: Proxy
metadata: {{name: caller, namespace: workshop, labels: {{app: productcatalog}}}}
spec:
  mode: sidecar
  serviceAccount: productcatalog
  workers: 1
  admin: {{address: "127.0.0.1:{caller_admin}"}}
  identity: {{certificateChain: {caller[0]}, privateKey: {caller[1]}, rootCertificates: {root}}}
  meshConfig: {{proxyHttpPort: {outbound}}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: default, namespace: workshop}}
spec: {{mtls: {{mode: {mode}}}}}
"""

ISTIO = ("istio-http/1.1", "istio", "http/1.1")


def mesh():
    """Two sidecars: identities, STRICT, PERMISSIVE and DISABLE."""
    if not ready():
        return
    c, origin = certificates(), TLSOrigin()
    numbers = dict(inbound=port(), outbound=port(), server_admin=port(), caller_admin=port(), origin=origin.port, root=c.file("root.crt"))

    def pair(mode, server="workload-catalogdetail", caller="workload-productcatalog", account="catalogdetail"):
        text = MESH.format(mode=mode, server=c[server], caller=c[caller], account=account, **numbers)
        found = Running(text, "server"), Running(text, "caller")
        until(lambda: listens(numbers["outbound"]) and listens(numbers["inbound"], "127.0.7.3"), 15)
        origin.seen.clear()
        return found

    def through():
        out, _ = run(["curl", "-sS", "-m", "10", "-w", "\n%{http_code}", "-x", f"http://127.0.0.1:{numbers['outbound']}",
                      "-H", "X-Forwarded-Client-Cert: By=evil", "http://catalogdetail.workshop.svc.cluster.local:3000/x"])
        return out.rpartition("\n")[2], out[:300]

    def plain():
        out, _ = run(["curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: catalogdetail:3000", f"http://127.0.7.3:{numbers['inbound']}/p"])
        return out[-3:]

    def direct(leaf, protocols=ISTIO):
        return ask(numbers["inbound"], "outbound_.3000_._.catalogdetail.workshop.svc.cluster.local", leaf, address="127.0.7.3", protocols=protocols,
                   check_name=False, host="catalogdetail.workshop.svc.cluster.local:3000")

    both = pair("STRICT")
    for proxy in both:
        proxy.faults()
    status, out = through()
    xfcc = origin.seen[-1][1].get("x-forwarded-client-cert", "") if origin.seen else ""
    check("STRICT: from sidecar to sidecar", status == "200", out)
    check("the origin hears who called", "URI=spiffe://cluster.local/ns/workshop/sa/productcatalog" in xfcc
          and "By=spiffe://cluster.local/ns/workshop/sa/catalogdetail" in xfcc and "evil" not in xfcc, xfcc)
    check("STRICT: plain text is refused", plain() == "000", plain())
    expected = {"workload-frontend": True, "workload-client": True, None: False, "workload-stranger": False, "workload-foreign": False,
                "workload-expired": False, "workload-nameless": False, "client": False}
    seen = {leaf: direct(leaf)[0] for leaf in expected}
    check("STRICT: who is let in", all((seen[leaf] == 200) == good for leaf, good in expected.items()), seen)
    note(f"two URI names: {direct('workload-two')[0]}; a SPIFFE name with ..: {direct('workload-slash')[0]}; without Istio's ALPN: {direct('workload-frontend', ('http/1.1',))[0]}; h2 by Istio's: "
         f"{direct('workload-frontend', ('istio-h2', 'istio', 'h2'))[0]}")
    shown = direct("workload-frontend")[1]
    check("the sidecar shows its own certificate", shown == der("workload-catalogdetail"))
    metrics = both[0].page("/stats/prometheus")
    check("metrics name the caller", 'source_principal="spiffe://cluster.local/ns/workshop/sa/productcatalog"' in metrics
          and 'connection_security_policy="mutual_tls"' in metrics)
    [proxy.stop() for proxy in both]

    both = pair("PERMISSIVE")
    check("PERMISSIVE: both ways in", through()[0] == "200" and plain() == "200" and direct("workload-frontend")[0] == 200 and direct(None)[0] != 200,
          (through()[0], plain(), direct("workload-frontend")[0], direct(None)[0]))
    [proxy.stop() for proxy in both]

    both = pair("DISABLE")
    check("DISABLE: plain text alone", through()[0] == "200" and plain() == "200" and direct("workload-frontend")[0] != 200,
          (through()[0], plain(), direct("workload-frontend")[0]))
    check("DISABLE: no certificate is claimed", "x-forwarded-client-cert" not in origin.seen[-1][1], origin.seen[-1][1])
    [proxy.stop() for proxy in both]

    both = pair("STRICT", server="workload-frontend")
    status, out = through()
    check("a server with another's identity is not spoken to", status == "503" and not origin.seen, out)
    [proxy.stop() for proxy in both]

    both = pair("STRICT", server="workload-stranger", account="frontend")
    status, out = through()
    check("a server of another root is not spoken to", status == "503" and not origin.seen, out)
    [proxy.stop() for proxy in both]

    both = pair("STRICT", caller="workload-expired")
    status, out = through()
    check("a caller whose certificate has expired gets nowhere", status in ("502", "503") and not origin.seen, out)
    [proxy.stop() for proxy in both]
    origin.close()
