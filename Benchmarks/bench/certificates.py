"""One authority, one ECDSA P-256 certificate for `localhost`: everyone shows and checks the same."""
import collections
import pathlib
import subprocess

NAME = "localhost"
Certificate = collections.namedtuple("Certificate", "chain key pem authority")


def make(place):
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-x509", "-days", "30"]

    def request(name, *more):
        subprocess.run(["openssl", "req", *curve, "-keyout", f"{place.path}/{name}.key", "-out", f"{place.path}/{name}.crt",
                        *more], check=True, capture_output=True)

    request("ca", "-subj", "/CN=bench authority", "-addext", "keyUsage=critical,keyCertSign")
    request("leaf", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", f"{place.path}/ca.crt", "-CAkey", f"{place.path}/ca.key")
    chain, key = f"{place.path}/leaf.crt", f"{place.path}/leaf.key"
    pem = place.write("leaf.pem", pathlib.Path(chain).read_text() + pathlib.Path(key).read_text())
    return Certificate(chain, key, pem, f"{place.path}/ca.crt")
