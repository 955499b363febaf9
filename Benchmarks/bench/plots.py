"""The plots of a run: cost per request beside the peers, and cost as something grows."""
import math
import os

from .machine import HERE
from .svg import Page

PLACE = HERE / "plots"
COLUMNS, PANEL_WIDTH, BAR, GAP = 3, 340, 16, 5
NAME_WIDTH, VALUE_WIDTH, HEAD = 70, 62, 42
LOGARITHMIC_FROM = 6  # when the highest is so many times the lowest


def draw(sections, place):
    """Draws what these sections have to show into a directory. [(path, caption)]."""
    bars = [section.plots["cost"] for section in sections if "cost" in section.plots]
    lines = {}
    for section in sections:
        if "lines" in section.plots:
            lines.setdefault(section.plots["lines"]["axis"], []).append(section.plots["lines"])
    drawn = [(cost(bars, place / "cost.svg"), "CPU per request beside the peers")] if bars else []
    return drawn + [(growth(axis, panels, place / f"{axis}.svg"), f"CPU per request against the number of {axis}")
                    for axis, panels in lines.items()]


def cost(panels, path):
    """A panel a row, each with a scale of its own; user time full, system time pale."""
    heights = [HEAD + 12 + len(panel["bars"]) * (BAR + GAP) for panel in panels]
    rows = [panels[at:at + COLUMNS] for at in range(0, len(panels), COLUMNS)]
    tall = [max(heights[at:at + COLUMNS]) + 14 for at in range(0, len(panels), COLUMNS)]
    page = Page(COLUMNS * PANEL_WIDTH + 20, 54 + sum(tall), "CPU per request")
    page.text(16, 24, "CPU per request, µs", "text title")
    page.text(16, 42, "medians; user time full, system time pale; each panel has a scale of its own", "faint small")
    top = 54
    for row, height in zip(rows, tall):
        for column, panel in enumerate(row):
            bars(page, 16 + column * PANEL_WIDTH, top, panel)
        top += height
    page.write(path)
    return path


def bars(page, left, top, panel):
    page.text(left, top + 16, panel["name"], "text panel")
    page.text(left, top + 31, shorten(panel["title"], 54), "faint small")
    room = PANEL_WIDTH - NAME_WIDTH - VALUE_WIDTH - 16
    most = max(total for _, _, total in panel["bars"]) if panel["bars"] else 1
    for index, (name, user, total) in enumerate(panel["bars"]):
        y, x = top + HEAD + index * (BAR + GAP), left + NAME_WIDTH
        page.text(x - 8, y + 12, name, f"name {name}" if name == "outrider" else "text", "end")
        page.box(x, y, room * user / most, BAR, name, tip=f"{name}: user {user:.1f} µs")
        page.box(x + room * user / most, y, room * (total - user) / most, BAR, name, 0.45,
                 f"{name}: system {total - user:.1f} µs")
        page.text(x + room * total / most + 6, y + 12, f"{total:,.1f}" if total < 1000 else f"{total:,.0f}", "text small")


def growth(axis, panels, path):
    width, height = 480 if len(panels) > 1 else 640, 300
    page = Page(len(panels) * width + 20, height + 70, f"CPU per request against the number of {axis}")
    page.text(16, 24, f"CPU per request, µs, against the number of {axis}", "text title")
    for index, panel in enumerate(panels):
        Curves(page, 16 + index * width, 54, width - 24, height, panel).draw()
    page.write(path)
    return path


class Curves:
    """A panel of curves, and beside them the points that stand apart."""
    NAMES_WIDTH, APART_WIDTH = 74, 110

    def __init__(self, page, left, top, width, height, panel):
        self.page, self.left, self.top, self.panel = page, left, top, panel
        self.shown = {name: points for name, points in panel["curves"].items() if points}
        self.values = [y for points in self.shown.values() for _, y in points] + \
            [y for _, found in panel["apart"] for y in found.values()]
        self.xs = sorted({x for points in self.shown.values() for x, _ in points})
        self.inner, self.right = left + 44, left + width - self.NAMES_WIDTH - self.APART_WIDTH * len(panel["apart"])
        self.floor, self.roof = top + height - 28, top + 48

    def draw(self):
        page = self.page
        page.text(self.left, self.top + 8, shorten(self.panel["title"], 78), "faint small")
        if not self.xs:
            return
        self.logarithmic = max(self.values) / min(self.values) > LOGARITHMIC_FROM
        self.low, self.high = (min(self.values) / 1.3 if self.logarithmic else 0), max(self.values) * 1.1
        for tick in ticks(self.low, self.high, self.logarithmic):
            page.rule(self.inner, self.at_y(tick), self.right + 8, self.at_y(tick))
            page.text(self.inner - 6, self.at_y(tick) + 4, f"{tick:g}", "faint small", "end")
        for x in self.xs:
            page.text(self.at_x(x), self.floor + 18, f"{x:,}", "faint small", "middle")
        for name, points in self.shown.items():
            page.curve([(self.at_x(x), self.at_y(y)) for x, y in points], name)
            for x, y in points:
                page.dot(self.at_x(x), self.at_y(y), name, f"{name}, {x:,}: {y:.1f} µs")
        self.name_ends(*self.draw_apart())

    def at_x(self, x):
        decades = math.log10(self.xs[-1] / self.xs[0]) or 1
        return self.inner + 12 + (self.right - self.inner - 12) * math.log10(x / self.xs[0]) / decades

    def at_y(self, y):
        low, high, value = (math.log10(one) if self.logarithmic else one for one in (self.low, self.high, y))
        return self.floor - (self.floor - self.roof) * (value - low) / (high - low)

    def draw_apart(self):
        """Where the names stand, and at which heights."""
        ends, x = {name: points[-1][1] for name, points in self.shown.items()}, self.right
        for label, found in self.panel["apart"]:
            x += self.APART_WIDTH
            self.page.text(x, self.floor + 18, label, "faint small", "middle")
            for name, y in found.items():
                self.page.dot(x, self.at_y(y), name, f"{name}, {label}: {y:.1f} µs")
            ends = {**ends, **found}
        return ends, x

    def name_ends(self, ends, x):
        last = -100.0
        for name, y in sorted(ends.items(), key=lambda pair: -pair[1]):
            last = max(self.at_y(y), last + 14)
            self.page.text(x + 12, last + 4, name, f"name {name}")


def ticks(low, high, logarithmic):
    if logarithmic:
        return [base * 10 ** power for power in range(-1, 6) for base in (1, 2, 5) if low <= base * 10 ** power <= high]
    step = next(base * 10 ** power for power in range(-1, 6) for base in (1, 2, 5) if high / (base * 10 ** power) <= 6)
    return [step * number for number in range(int(high / step) + 1)]


def shorten(text, most):
    return text if len(text) <= most else text[:most - 1].rstrip() + "…"


def links(drawn):
    """Lines of Markdown that show them."""
    return [line for path, caption in drawn for line in (f"![{caption}]({os.path.relpath(path, HERE)})", "")]
