"""siege against the demo: availability, shares, and the split that moves while it runs."""

import json
import os
import re
import signal
import threading
import time

from harness import BINARY, ROOT, WORK, check, missing, note, run, start, stop, until

DETAIL = "catalogDetail"


def _shares(output):
    """The lines of the table that `--siege` prints."""
    return [line for line in output.splitlines() if "%" in line and "load " not in line]


def scenarios():
    if missing("siege"):
        return
    environment = dict(os.environ, TMPDIR=os.path.join(WORK, "demo"), HOME=WORK)
    os.makedirs(environment["TMPDIR"], exist_ok=True)
    demo = start([BINARY, "demo"], env=environment, cwd=ROOT)
    text = lambda: open(demo.log, errors="replace").read()
    check("the first address that is printed is the gateway's", until(lambda: "gateway" in text(), 20), text().split("\n")[0])
    url = re.search(r"http://\S+", text()).group(0)
    until(lambda: "Ctrl-C" in text(), 10)
    directory = re.search(r"directory\s+(\S+)", text()).group(1)

    siege, _ = run(["siege", "-c", "5", "-t", "30S", url], env=environment)
    numbers = dict(re.findall(r'"?(transactions|availability|failed_transactions)"?:\s+([\d.]+)', siege))
    check("siege -c 5 -t 30S ends with 100 % availability", float(numbers.get("availability", 0)) == 100, json.dumps(numbers))

    for scenario in ("even", "v1", "weights", "path", "header", "mirror"):
        output, code = run([BINARY, "demo", "--scenario", scenario, "--siege", "--seconds", "4"], env=environment, cwd=ROOT)
        check(f"scenario {scenario}: nothing fails and shares are in their band", code == 0, "\n" + "\n".join(_shares(output)) or output)

    _moving(demo, url, directory, environment)
    code = stop(demo, signal.SIGTERM, 60)
    check("the demo ends by SIGTERM", code == 0, code)


def _versions(url, count=400):
    """Which versions of catalogdetail answer, by the page."""
    import http.client
    host = url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=10)
    seen = {"1": 0, "2": 0}
    for _ in range(count):
        connection.request("GET", "/")
        page = connection.getresponse().read().decode()
        found = re.search(r'version\W{1,8}v?([12])', page, re.I)
        if found:
            seen[found.group(1)] += 1
    return seen


def _moving(demo, url, directory, environment):
    """Weights are edited, and one service is killed and comes back, while siege runs."""
    run([BINARY, "demo", "--scenario", "weights"], env=environment, cwd=ROOT)
    path = os.path.join(directory, "scenario.yaml")
    original = open(path).read()
    siege = start(["siege", "-c", "5", "-t", "12S", url], env=environment)
    time.sleep(1)
    moved = []
    for first, second in ((90, 10), (10, 90), (50, 50), (100, 0), (0, 100)):
        with open(path, "w") as file:
            weights = {"90": first, "10": second}
            file.write(re.sub(r"weight: (\d+)", lambda found: f"weight: {weights[found[1]]}", original))
        time.sleep(0.6)
        seen = _versions(url)
        moved.append((first, seen))
    siege.wait(60)
    output = open(siege.log).read()
    found = re.search(r'availability"?:\s+([\d.]+)', output)
    check("weights edited under siege lose no request", found and float(found.group(1)) == 100, found and found.group(1))
    follow = all(abs(seen["1"] / max(1, sum(seen.values())) - first / 100) < 0.12 for first, seen in moved)
    check("the split follows the file within 0.6 s", follow, moved)
