"""The load generators. Each returns what it saw; anything in `wrong` fails the run."""
import json
import os
import re
import signal
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
POST = """wrk.method = "POST"
wrk.body = string.rep("z", %d)
wrk.headers["Content-Type"] = "application/octet-stream"
"""
GRAIN_MICROSECONDS = 50  # at a fixed rate: how exactly requests keep to their times
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}


class Seen:
    """Requests answered in so many seconds, what went wrong, and what else the tool tells."""

    def __init__(self, requests, seconds, wrong, **more):
        self.requests, self.seconds, self.wrong, self.more = requests, seconds, wrong, more


class Load:
    """The tools, ready to run: our own built, the TLS parameters of clients written."""

    def __init__(self, place, certificate):
        self.place, self.certificate = place, certificate
        self.environment = {**os.environ, "OPENSSL_CONF": place.write("openssl.cnf", OPENSSL_CONF)}
        self.connect_path, self.pace_path = (self.build(name) for name in ("connect", "pace"))
        self.message = place.write("message", "\0\0\0\0\x10" + "q" * 16)  # of gRPC: a prefix of five bytes, then the message

    def build(self, name):
        path = f"{self.place.path}/{name}"
        subprocess.run(["cc", "-O2", "-o", path, str(HERE / f"{name}.c"), "-lssl", "-lcrypto"], check=True)
        return path

    def run(self, work, port, seconds):
        return getattr(self, work.tool)(work, port, seconds)

    def output(self, *command, seconds=None):
        """What a tool prints, and what is wrong with how it ended. `seconds`: it is asked to end before its own time."""
        process = subprocess.Popen(["taskset", "-c", LOAD_CORE, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=self.environment)
        try:
            text, faults = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            text, faults = process.communicate()
        return text, [] if process.returncode == 0 else [f"{command[0]} ends with {process.returncode}: {faults[-300:]}"]

    def wrk(self, work, port, seconds):
        # wrk counts in whole seconds; interrupted, it tells what it has seen until then.
        whole = seconds == int(seconds)
        command = ["wrk", "-t1", f"-c{work.connections}", f"-d{int(seconds) if whole else int(seconds) + 5}s"]
        for header in (*work.headers, *(["Connection: close"] if work.close else [])):
            command += ["-H", header]
        if work.upload:
            command += ["-s", self.place.write(f"post-{work.upload}.lua", POST % work.upload)]
        text, wrong = self.output(*command, work.url(port), seconds=None if whole else seconds)
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        wrong += [bad.group(0)] if bad else []
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
        if errors:
            connect, read, write, timeout = map(int, errors.groups())
            # Without keep-alive wrk counts the server's close as a read error of a request that it saw answered.
            if connect + write + timeout + (0 if work.close else read):
                wrong.append(errors.group(0))
        took = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m),", text)
        if not took:
            return Seen(0, seconds, wrong)
        return Seen(int(took.group(1)), float(took.group(2)) * UNITS[took.group(3)], wrong)

    def h2load(self, work, port, seconds):
        command = ["h2load", "-t1", f"-c{work.connections}", f"-m{work.streams}", f"-D{int(seconds * 1000)}ms"]
        for header in work.headers:
            command += ["-H", header]
        command += ["-d", self.message] if work.upstream == "grpc" else []
        text, wrong = self.output(*command, f"--tls13-ciphers={SUITE}", "--groups=X25519", work.url(port))
        answered, good = number(r"(\d+) succeeded", text), number(r"(\d+) 2xx", text)
        # An answer whose head came before the end and its body after it is a 2xx and not yet done.
        clean = re.search(r" 0 failed, 0 errored, 0 timeout", text) and re.search(r" 2xx, 0 3xx, 0 4xx, 0 5xx", text)
        if not clean or not answered <= good <= answered + work.connections * work.streams:
            wrong.append("; ".join(re.findall(r"^(?:requests|status codes):.*", text, re.M)) or text[-300:])
        expected = ["TLS Protocol: TLSv1.3", f"Cipher: {SUITE}", "Application protocol: h2"] if work.tls else \
            ["Application protocol: h2c"]
        wrong += [f"h2load does not say “{line}”" for line in expected if line not in text.splitlines()]
        return Seen(answered, seconds, wrong)

    def connect(self, work, port, seconds):
        mode = "resume" if work.resume else "full"
        text, wrong = self.output(self.connect_path, str(port), str(work.connections), str(seconds), mode,
                                  self.certificate.authority, work.path)
        if not text:
            return Seen(0, seconds, wrong)
        counts = json.loads(text)
        if counts["bad"]:
            wrong.append(f"connect: {counts}")
        # The first connection of each client has no ticket yet.
        resumed = counts["requests"] - work.connections if work.resume else 0
        if counts["resumed"] < resumed * 0.99 or counts["resumed"] > 0 and not work.resume:
            wrong.append(f"connect: {counts['resumed']} of {counts['requests']} handshakes were resumed")
        return Seen(counts["requests"], seconds, wrong)

    def pace(self, work, port, seconds):
        command = [self.pace_path, "-p", str(port), "-u", work.path, "-c", str(work.connections), "-d", str(seconds),
                   "-r", f"{work.rate:.1f}", "-g", str(GRAIN_MICROSECONDS)]
        for header in work.headers:
            command += ["-h", header]
        command += ["-a", self.certificate.authority] if work.tls else []
        command += ["-k", self.certificate.pem] if work.mutual else []
        text, wrong = self.output(*command)
        if not text:
            return Seen(0, seconds, wrong)
        told = json.loads(text)
        faults = {key: told[key] for key in ("status", "broken", "unanswered", "connect", "reopened") if told[key]}
        told["lost"] = sum(told[key] for key in ("status", "broken", "unanswered", "connect"))
        if work.rate:
            faults.pop("unanswered", None)  # who cannot keep up shows it in the latencies
        # Who reloads may end connections between requests, and what it loses is counted, not hidden.
        if faults and not work.reloads:
            wrong.append(f"pace: {faults}")
        return Seen(told.pop("requests"), told.pop("seconds"), wrong, **told)


def number(pattern, text):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else 0
