"""The report: medians, and the ratios round by round."""
import datetime
import statistics

from .machine import description
from .turn import STOLEN_MAX

OTHERS = {"haproxy": "HAProxy", "envoy": "Envoy", "floor": "floor"}


def median(turns, key):
    return statistics.median(key(turn) if callable(key) else getattr(turn, key) for turn in turns)


def ratios(one, other, key="total"):
    """Each round's ratio, this one by the other."""
    value = key if callable(key) else lambda turn: getattr(turn, key)
    return [value(mine) / value(theirs) for mine, theirs in zip(one.turns, other.turns) if value(theirs)]


def spread(values, digits=2):
    """Median (lowest–highest)."""
    if not values:
        return "–"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def name_of(candidate):
    return f"{candidate.label} {candidate.peer.version()}".strip()


def memory(kib):
    """Of (resident, anonymous)."""
    return f"{kib[0] / 1024:.1f} MB ({kib[1] / 1024:.1f})"


def markdown(columns, rows):
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *(f"| {' | '.join(cells)} |" for cells in rows)]


def notes(field):
    stolen = [turn.stolen for one in field.candidates for turn in one.turns if hasattr(turn, "stolen")]
    found = [f"Disturbed: of a core up to {max(stolen):.0%} was stolen in a turn."] \
        if stolen and max(stolen) > STOLEN_MAX else []
    found += [f"{name}: not measured, {why}." for name, why in field.skipped.items()]
    found += [f"{name}: **failed**, {why}." for name, why in field.failed.items()]
    return ["", *(" ".join(note.split()) + "  " for note in found)] if found else []


def heading(options, arguments):
    return [f"## {datetime.date.today()}, `{' '.join(['Benchmarks/run.py', *arguments])}`", "",
            f"{description()}. {options.rounds} interleaved rounds of {options.seconds:g} s; medians; ratios round by round, "
            "median (lowest–highest). One worker each, pinned to one core; the load and the upstream (nginx: HTTP/1.1, HTTP/2, "
            "TLS) on the other. TLS is 1.3 with TLS_AES_128_GCM_SHA256, X25519 and one ECDSA P-256 certificate for all.", ""]
