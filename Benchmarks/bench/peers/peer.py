"""What a peer is."""
import shutil
import signal


class Peer:
    """A kind of proxy.

    `command(site)` writes its configuration into the site's room and says how to start it. A site has `work`, `upstream`, `room`,
    `port`, `admin` (a second free port), and `groups()`: where each rule leads, which changes."""
    name = ""
    routes = True  # a proxy; not a relay of bytes
    path = None

    def __init__(self, options):
        self.options = options
        self.path = self.path or shutil.which(self.name)

    def missing(self, work):
        """Why it cannot do this work, or nothing."""
        return None if self.path else f"{self.name} is not installed"

    def version(self):
        return ""

    def command(self, site):
        raise NotImplementedError

    def change(self, site):
        """Writes the rules anew and tells the process, as its users do."""
        raise NotImplementedError


def certificates(site):
    made = site.upstream.certificate
    return {"CHAIN": made.chain, "KEY": made.key, "PEM": made.pem, "AUTHORITY": made.authority}


def tell(site, number=signal.SIGHUP):
    site.process.send_signal(number)
