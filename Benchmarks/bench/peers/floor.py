"""The floor: floor.c, a relay that copies bytes and parses nothing."""
import subprocess

from ..machine import HERE
from .peer import Peer as Base

NAME = "floor"


class Peer(Base):
    name, routes, path = NAME, False, "cc"

    def missing(self, work):
        if work.tls or work.http2 != (work.upstream in ("http2", "grpc")):
            return "a relay of bytes cannot change the protocol"
        if work.rules or work.reloads:
            return "a relay of bytes has no rules"
        return "it has one worker" if work.workers > 1 else None

    def command(self, site):
        binary = f"{site.room.path}/floor"
        subprocess.run(["cc", "-O2", "-o", binary, str(HERE / "floor.c")], check=True)
        return [binary, str(site.port), str(site.upstream.ports[site.work.upstream][1])]
