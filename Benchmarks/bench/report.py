"""The report: medians, and the ratios round by round."""
import datetime
import statistics

from .machine import description
from .measure import STOLEN_MAX

HEAD = ["| proxy | CPU per request | of which user | ratio to HAProxy | ratio to Envoy | ratio to floor | requests/s "
        "| upstream connections per 1000 requests | RSS idle (anonymous) |",
        "|---|---|---|---|---|---|---|---|---|"]


def ratios(one, other):
    """Each round's ratio of CPU per request, this one by the other."""
    return [mine.total / theirs.total for mine, theirs in zip(one.turns, other.turns)]


def ratio_cell(one, other):
    pairs = ratios(one, other) if other else []
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f}–{max(pairs):.2f})" if pairs else "–"


def table(measure):
    by_name = {one.name: one for one in measure.candidates}
    lines = list(HEAD)
    for one in measure.candidates:
        total, user, rate, connections = (
            statistics.median(getattr(turn, key) for turn in one.turns) for key in ("total", "user", "rate", "connections"))
        rss, anonymous = one.idle
        cells = [f"{one.name} {one.peer.version()}".strip(), f"{total:.1f} µs", f"{user:.1f} µs",
                 *(ratio_cell(one, by_name.get(other)) for other in ("haproxy", "envoy", "floor")), f"{rate:,.0f}",
                 f"{connections:.1f}", f"{rss / 1024:.1f} MB ({anonymous / 1024:.1f})"]
        lines.append(f"| {' | '.join(cells)} |")
    stolen = [turn.stolen for one in measure.candidates for turn in one.turns]
    notes = [f"Disturbed: of the proxy's core up to {max(stolen):.0%} was stolen in a turn."] \
        if stolen and max(stolen) > STOLEN_MAX else []
    notes += [f"{name}: not measured, {why}." for name, why in measure.skipped.items()]
    notes += [f"{name}: **failed**, {why}." for name, why in measure.failed.items()]
    return lines + (["", *(" ".join(note.split()) for note in notes)] if notes else [])


def heading(options, arguments):
    return [f"## {datetime.date.today()}, `{' '.join(['Benchmarks/run.py', *arguments])}`", "",
            f"{description()}. {options.rounds} interleaved rounds of {options.seconds} s; medians; ratios round by round, median "
            "(lowest–highest). One worker each, pinned to one core; the load and the nginx upstream (HTTP/1.1, HTTP/2, TLS) on "
            "the other. TLS is 1.3 with TLS_AES_128_GCM_SHA256, X25519 and one ECDSA P-256 certificate for all.", ""]


def median_ratio(measure, name, other):
    """The median ratio between two candidates, or nothing where one of them was not measured."""
    by_name = {one.name: one for one in measure.candidates}
    if name not in by_name or other not in by_name:
        return None
    return statistics.median(ratios(by_name[name], by_name[other]))
