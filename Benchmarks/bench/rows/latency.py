"""Latency at a rate that is the same for everyone: a share of what HAProxy answers at most, measured just before."""
from .. import turn
from ..field import Field
from ..report import OTHERS, markdown, median, name_of, notes, ratios, spread
from .row import Row, Section

SLICE_SECONDS_MIN = 0.3
PERCENTILES = {"p50": "p50", "p99": "p99", "p999": "p99.9"}


def saturation(bench, field, work, share):
    """A share of the most requests a second: of HAProxy's, or of somebody's where it is left out. And whose it is."""
    if not field.candidates:
        return 1, "nobody"
    one = next((one for one in field.candidates if one.peer.name == "haproxy"), field.candidates[-1])
    rates = sorted(turn.take(bench, one, work).rate for _ in range(3))
    return round(rates[1] * share), one.peer.name


class Latency(Row):
    def __init__(self, name, title, work, share=0.7):
        super().__init__(name, title)
        self.work, self.share = work, share

    def run(self, bench):
        # Many short turns: what disturbs the machine spoils the tail of one, not the median of all.
        slices = 2 if bench.options.quick else 4
        rounds = bench.options.rounds * slices
        seconds = max(bench.options.seconds / slices, SLICE_SECONDS_MIN)
        with Field(bench, [(peer, self.work, None) for peer in self.chosen(bench)]) as field:
            turn.warm(bench, field)
            rate, whose = saturation(bench, field, self.work, self.share)
            paced = self.work.having(rate=rate)
            field.rounds(lambda one: turn.take(bench, one, paced, seconds), lambda done: f"p99 {done.seen['p99']:.0f} µs",
                         rounds)
        intro = [f"{rate:,} requests a second, {self.share:.0%} of what {whose} answers at most, in {rounds} rounds of "
                 f"{seconds:g} s; latency counts from when a request was due.", ""]
        return Section(self.title, intro + table(field) + notes(field), values(field), faults=self.faults(field))


def of(key):
    return lambda done: done.seen[key]


def table(field):
    by_name = {one.peer.name: one for one in field.candidates}
    against = [name for name in ("haproxy",) if name in by_name]
    columns = ["proxy", *(f"{shown}, µs" for shown in PERCENTILES.values()),
               *(f"{PERCENTILES[key]} to {OTHERS[name]}'s" for name in against for key in PERCENTILES),
               "CPU per request", "answered/s", "unanswered", "sent late, p99"]
    rows = []
    for one in field.candidates:
        rows.append([name_of(one), *(f"{median(one.turns, of(key)):,.0f}" for key in PERCENTILES),
                     *(spread(ratios(one, by_name[name], of(key))) for name in against for key in PERCENTILES),
                     f"{median(one.turns, 'total'):.1f} µs", f"{median(one.turns, 'rate'):,.0f}",
                     f"{sum(done.seen['unanswered'] for done in one.turns)}", f"{median(one.turns, of('late_p99')):,.0f} µs"])
    return markdown(columns, rows)


def values(field):
    by_name = {one.peer.name: one for one in field.candidates}
    if not {"outrider", "haproxy"} <= set(by_name):
        return {}
    return {key: ratios(by_name["outrider"], by_name["haproxy"], of(key)) for key in PERCENTILES}
