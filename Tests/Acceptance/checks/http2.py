"""HTTP/2 conformance, judged by h2spec (H2SPEC names the binary; without one the check is skipped)."""

import os
import re
import tempfile
import xml.etree.ElementTree as tree

from harness import WORK, check, note, run
from checks.protocols import Front

# What an nghttp2 server answers otherwise, and why it is right to do so.
EXPECTED = {}


def h2spec(port, tls=False, extra=(), seconds=600):
    """{section: (name, what went wrong or None)} of one run, as a list of (section, name, failure)."""
    binary = os.environ.get("H2SPEC", "h2spec")
    report = tempfile.mktemp(dir=WORK, suffix=".xml")
    command = [binary, "-h", "127.0.0.1", "-p", str(port), "-o", "2", "-j", report, *(["-t", "-k"] if tls else []), *extra]
    text, _ = run(command, timeout=seconds)
    if not os.path.exists(report):
        raise RuntimeError(text[-2000:])
    cases = []
    for suite in tree.parse(report).getroot():
        for case in suite:
            if case.tag != "testcase":
                continue
            bad = case.find("failure")
            bad = case.find("error") if bad is None else bad
            cases.append((case.get("package"), case.get("classname"), None if bad is None else " ".join((bad.text or "").split())))
    return cases


def available():
    binary = os.environ.get("H2SPEC")
    if binary and os.access(binary, os.X_OK):
        return True
    note("SKIP: H2SPEC does not name an h2spec binary")
    return False


def judge(name, port, tls=False, extra=()):
    cases = h2spec(port, tls, extra)
    failed = [case for case in cases if case[2] is not None and case[:2] not in EXPECTED]
    check(f"h2spec, {name}", cases and not failed, f"{len(cases)} cases, {len(failed)} failed")
    for section, title, wrong in failed:
        note(f"{section} {title}: {re.sub(r'Expect', '|Expect', wrong)[:300]}")


def conformance():
    if not available():
        return
    with Front.chosen() as front:
        judge("in clear text", front.plain, extra=["-P", "/h2spec"])
        judge("over TLS", front.tls, tls=True, extra=["-P", "/h2spec"])
