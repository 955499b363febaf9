"""The floor: floor.c, a relay that copies bytes and parses nothing."""
import subprocess

from ..machine import HERE
from .peer import Peer as Base

NAME = "floor"


class Peer(Base):
    name, routes, path = NAME, False, "cc"

    def missing(self, row):
        both_alike = not row.tls and row.http2 == (row.upstream == "http2")
        return None if both_alike else "a relay of bytes cannot change the protocol"

    def command(self, row, place, upstream, port):
        binary = f"{place.path}/floor"
        subprocess.run(["cc", "-O2", "-o", binary, str(HERE / "floor.c")], check=True)
        return [binary, str(port), str(upstream.ports[row.upstream][1])]
