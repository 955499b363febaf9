"""What a peer is."""
import shutil


class Peer:
    """A kind of proxy. `command(row, place, upstream, port)` writes its configuration and says how to start it."""
    name = ""
    routes = True  # a proxy; not a relay of bytes
    path = None

    def __init__(self, options):
        self.options = options
        self.path = self.path or shutil.which(self.name)

    def missing(self, row):
        """Why it cannot run in this row, or nothing."""
        return None if self.path else f"{self.name} is not installed"

    def version(self):
        return ""

    def command(self, row, place, upstream, port):
        raise NotImplementedError
