"""10,000 rules: how long a cold start takes, and how long one change."""
import json
import re
import socket
import threading
import time
import urllib.request

from ..field import Field, Wrong
from ..holding import read_answer
from ..report import markdown, memory, name_of, notes, spread
from .row import Row, Section

CHANGE_SECONDS_MAX = 30
LOAD_RATE, LOAD_CONNECTIONS = 1000, 16


class Start(Row):
    peers = ("haproxy", "nginx", "envoy", "outrider")

    def __init__(self, name, title, work):
        super().__init__(name, title)
        self.work = work

    def run(self, bench):
        found, changes = {}, 2 if bench.options.quick else 5
        for peer in self.chosen(bench):
            with Field(bench, [(peer, self.work, None)]) as field:  # alone: a start takes a whole core
                field.settle()
                for one in list(field.candidates):
                    field.attempt(one, lambda one: measure(bench, one, changes))
                    if one.turns:
                        print(f"  {one.label}: starts in {one.ready_seconds:.2f} s, changes in {spread(one.turns[0]['live'])} s",
                              flush=True)
            found[peer.name] = field
        lines = table(found) + [note for field in found.values() for note in notes(field)]
        ours = [one for field in found.values() for one in field.candidates if one.label == "outrider"]
        values = {"start": [one.ready_seconds for one in ours],
                  "change": [second for one in ours for second in one.turns[0]["live"]],
                  "lost": [one.turns[0]["lost"] for one in ours]}
        return Section(self.title, lines, values, faults=[fault for field in found.values() for fault in self.faults(field)])


def measure(bench, one, changes):
    """Changes under some load. Seconds until the changed rule answers otherwise; requests that were lost meanwhile."""
    live, told, lost = [], [], 0
    for _ in range(changes):
        seen = []
        work = one.work.having(rate=LOAD_RATE, connections=LOAD_CONNECTIONS)
        load = threading.Thread(target=lambda: seen.append(bench.load.run(work, one.port, 2)))
        load.start()
        time.sleep(0.3)
        seconds, generation = change(one)
        live.append(seconds)
        told += [generation] if generation else []
        load.join()
        lost += seen[0].more["lost"]
        one.demand_alive()
    return {"live": live, "generation": told, "lost": lost}


def change(one):
    """Seconds until the rule answers otherwise, and until /generation says that all workers have it, where there is one."""
    before, generation = number(one), None
    began = time.monotonic()
    one.change()
    expected = one.upstream.ports[one.work.upstream][("v1", "v2").index(one.first_group)]
    while time.monotonic() - began < CHANGE_SECONDS_MAX:
        if before is not None and generation is None and number(one) > before:
            generation = time.monotonic() - began
        if server_of(one) == expected and (generation or before is None):
            return time.monotonic() - began, generation
        time.sleep(0.002)
    raise Wrong(f"a changed rule was not live after {CHANGE_SECONDS_MAX} s")


def server_of(one):
    """Which server the first rule leads to now; asked on a new connection, which a proxy that reloads may refuse."""
    host, path = one.work.rules.question(0)
    try:
        with socket.create_connection(("127.0.0.1", one.port), timeout=5) as connection:
            connection.sendall(f"GET {path}probe HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return int(re.search(rb"server=(\d+)", read_answer(connection)).group(1))
    except OSError:
        return None


def number(one):
    """Of Outrider: the generation that every worker has."""
    if one.peer.name != "outrider":
        return None
    with urllib.request.urlopen(f"http://127.0.0.1:{one.admin}/generation", timeout=10) as answer:
        page = json.load(answer)
    return page["generation"] if page["applied"] else -1


def table(found):
    rows = []
    for one in (one for field in found.values() for one in field.candidates):
        told = one.turns[0]
        rows.append([name_of(one), f"{one.ready_seconds:.2f} s", f"{spread(told['live'])} s",
                     f"{spread(told['generation'])} s" if told["generation"] else "–", str(told["lost"]),
                     memory(one.idle)])
    return markdown(["proxy", "cold start until it answers", "a change until it answers otherwise", "until /generation says so",
                     "requests lost", "RSS (anonymous)"], rows)
