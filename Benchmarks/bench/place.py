"""Where things are written and what is started there: all of it ends with the run."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from .machine import HERE


class Room:
    """A directory. Templates are filled into it."""

    def __init__(self, path):
        self.path = str(path)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)  # the workers of nginx are not root

    def write(self, name, text):
        """A file of this content, there at once and whole: what stood under the name is replaced by a rename."""
        path = pathlib.Path(self.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.rename(path)
        return str(path)

    def fill(self, template, name, **values):
        """A file made from configs/TEMPLATE, each @KEY@ replaced. Values may hold keys themselves."""
        text = (HERE / "configs" / template).read_text()
        for key, value in [*values.items(), ("WORK", self.path)]:
            text = text.replace(f"@{key}@", str(value))
        return self.write(name, text)


class Workplace(Room):
    """The temporary directory of a run, and the processes that were started in it."""

    def __init__(self):
        super().__init__(tempfile.mkdtemp(prefix="outrider-bench-"))
        self.started, self.rooms = [], 0

    def room(self, name):
        self.rooms += 1
        return Room(f"{self.path}/{self.rooms}-{name}")

    def start(self, room, cores, command):
        with open(f"{room.path}/log", "wb") as log:
            process = subprocess.Popen(["taskset", "-c", cores, *command], stdout=log, stderr=log, cwd=room.path)
        self.started.append(process)
        return process

    def stop(self, *processes):
        for _ in range(2):  # whom the first one bids to drain, the second one ends at once
            for process in processes:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
            time.sleep(0.05)
        for process in processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.started.remove(process)

    def end(self):
        self.stop(*list(self.started))
        shutil.rmtree(self.path, ignore_errors=True)


def tail(room, characters=1500):
    return pathlib.Path(room.path, "log").read_text(errors="replace")[-characters:].strip()


def inside(main):
    """Runs `main(workplace)`. What was started in it ends with it, also when it is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    workplace = Workplace()
    try:
        main(workplace)
    finally:
        workplace.end()
