"""The load generators. Each returns the requests answered, and what went wrong: anything there fails the run."""
import json
import os
import re
import subprocess

from .machine import HERE, LOAD_CORE

SUITE = "TLS_AES_128_GCM_SHA256"
# What clients offer decides what every server uses, whether its own order can be configured or not (BoringSSL's cannot).
OPENSSL_CONF = f"""openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1.3
Ciphersuites = {SUITE}
Groups = X25519
"""


class Load:
    """The tools, ready to run: connect.c built, the TLS parameters of clients written."""

    def __init__(self, place, certificate):
        self.certificate = certificate
        self.environment = {**os.environ, "OPENSSL_CONF": place.write("openssl.cnf", OPENSSL_CONF)}
        self.connect_path = f"{place.path}/connect"

    def build(self):
        subprocess.run(["cc", "-O2", "-o", self.connect_path, str(HERE / "connect.c"), "-lssl", "-lcrypto"], check=True)

    def run(self, row, port, seconds):
        return {"wrk": self.wrk, "h2load": self.h2load, "connect": self.connect}[row.tool](row, port, seconds)

    def output(self, *command):
        done = subprocess.run(["taskset", "-c", LOAD_CORE, *command], capture_output=True, text=True, env=self.environment)
        return done.stdout, [] if done.returncode == 0 else [f"{command[0]} ends with {done.returncode}: {done.stderr[-300:]}"]

    def wrk(self, row, port, seconds):
        command = ["wrk", "-t1", f"-c{row.connections}", f"-d{seconds}s", "-H", "x-version: v2"]
        command += ["-H", "Connection: close"] if row.close else []
        text, wrong = self.output(*command, row.urls(port))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        wrong += [bad.group(0)] if bad else []
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        if errors:
            connect, read, write, timeout = map(int, errors.groups())
            # Without keep-alive wrk counts the server's close as a read error of a request that it saw answered.
            if connect + write + timeout + (0 if row.close else read):
                wrong.append(errors.group(0))
        return number(r"(\d+) requests in", text), wrong

    def h2load(self, row, port, seconds):
        command = ["h2load", "-t1", f"-c{row.connections}", f"-m{row.streams}", f"-D{seconds}", "-H", "x-version: v2"]
        text, wrong = self.output(*command, f"--tls13-ciphers={SUITE}", "--groups=X25519", row.urls(port))
        answered, good = number(r"(\d+) succeeded", text), number(r"(\d+) 2xx", text)
        # An answer whose head came before the end and its body after it is a 2xx and not yet done.
        clean = re.search(r" 0 failed, 0 errored, 0 timeout", text) and re.search(r" 2xx, 0 3xx, 0 4xx, 0 5xx", text)
        if not clean or not answered <= good <= answered + row.connections * row.streams:
            wrong.append("; ".join(re.findall(r"^(?:requests|status codes):.*", text, re.M)) or text[-300:])
        expected = ["TLS Protocol: TLSv1.3", f"Cipher: {SUITE}", "Application protocol: h2"] if row.tls else \
            ["Application protocol: h2c"]
        wrong += [f"h2load does not say “{line}”" for line in expected if line not in text.splitlines()]
        return answered, wrong

    def connect(self, row, port, seconds):
        mode = "resume" if row.resume else "full"
        text, wrong = self.output(self.connect_path, str(port), str(row.connections), str(seconds), mode,
                                  self.certificate.authority, row.path)
        if not text:
            return 0, wrong
        counts = json.loads(text)
        if counts["bad"]:
            wrong.append(f"connect: {counts}")
        # The first connection of each client has no ticket yet.
        resumed = counts["requests"] - row.connections if row.resume else 0
        if counts["resumed"] < resumed * 0.99 or counts["resumed"] > 0 and not row.resume:
            wrong.append(f"connect: {counts['resumed']} of {counts['requests']} handshakes were resumed")
        return counts["requests"], wrong


def number(pattern, text):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else 0
