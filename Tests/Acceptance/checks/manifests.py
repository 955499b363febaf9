"""The public manifests, as they are."""

import glob
import os
import re

from harness import BINARY, SHARED, Proxy, check, note, nginx, port, run

POD = """---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: workshop, labels: {{app: {app}, version: {version}}}}}
spec: {{containers: [{{name: a, ports: [{{containerPort: {number}}}]}}]}}
status: {{podIP: {address}}}
"""


def public():
    modules = os.path.join(SHARED, "manifests", "istio-on-eks", "modules")
    if not os.path.isdir(modules):
        return note("SKIP: no manifests here")
    base = {}
    for path in glob.glob(f"{modules}/01-getting-started/templates/*.yaml"):
        if re.search(r"service\.yaml|gateway\.yaml", path) and "sa.yaml" not in path:
            base[os.path.basename(path)] = open(path).read().replace("{{ .Release.Namespace }}", "workshop")
    base["pods.yaml"] = POD.format(name="frontend", app="frontend", version="v1", number=9000, address="127.0.3.1")
    for path in glob.glob(f"{modules}/02-traffic-management/*") + [f"{modules}/00-setup-mesh-resources"]:
        files = dict(base)
        for file in glob.glob(f"{path}/*.yaml"):
            files[os.path.basename(file).replace(".yaml", "-scenario.yaml")] = open(file).read()
        proxy = Proxy(files)
        output, code = run([BINARY, "check", "--config", proxy.directory])
        errors = [line for line in output.splitlines() if ": error" in line]
        check(f"{os.path.basename(path)} loads", code == 0 and not errors, errors or output.splitlines()[-1])
        if "header" in path:
            line = [line for line in output.splitlines() if "EnvoyFilter" in line]
            check("  its EnvoyFilter has a clear diagnostic", line, line[:1])
        proxy.stop(9)
