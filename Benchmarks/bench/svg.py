"""Drawing: a page of SVG that reads well on light and on dark ground."""
import html

LIGHT = {"floor": "#8c959f", "haproxy": "#0969da", "nginx": "#1a7f37", "envoy": "#8250df", "outrider": "#cf4a0c"}
DARK = {"floor": "#8b949e", "haproxy": "#58a6ff", "nginx": "#3fb950", "envoy": "#bc8cff", "outrider": "#ff7b3d"}
FRAME = """
  text { font: 12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
  text.title { font-size: 15px; font-weight: 600; } text.panel { font-weight: 600; } text.small { font-size: 11px; }
  text.name { font-weight: 600; } polyline { stroke-width: 2; }
"""


def colours(ground, text, faint, rule, inks):
    """Rules of style. Every colour is named where it is used: not all that shows SVG knows variables."""
    return f".ground {{ fill: {ground}; }} .text {{ fill: {text}; }} .faint {{ fill: {faint}; }} .rule {{ stroke: {rule}; }} " + \
        " ".join(f".{name} {{ fill: {ink}; }} polyline.{name} {{ fill: none; stroke: {ink}; }}" for name, ink in inks.items())


def style(light, dark, more=""):
    return (f"{FRAME}{more}\n  {colours('#ffffff', '#1f2328', '#656d76', '#d8dee4', light)}\n"
            f"  @media (prefers-color-scheme: dark) {{ {colours('#0d1117', '#e6edf3', '#8b949e', '#30363d', dark)} }}\n")


class Page:
    def __init__(self, width, height, title, look=style(LIGHT, DARK)):
        self.width, self.height, self.title, self.look, self.parts = width, height, title, look, []

    def text(self, x, y, words, kind="text", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(words)}</text>')

    def box(self, x, y, width, height, kind, opacity=1.0, tip=None):
        inside = f"<title>{html.escape(tip)}</title>" if tip else ""
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.1):.1f}" height="{height:.1f}" rx="1.5" '
                          f'class="{kind}" fill-opacity="{opacity}">{inside}</rect>')

    def rule(self, x1, y1, x2, y2):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="rule"/>')

    def curve(self, points, kind):
        self.parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" class="{kind}"/>')

    def dot(self, x, y, kind, tip):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" class="{kind}"><title>{html.escape(tip)}</title></circle>')

    def write(self, path):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{html.escape(self.title)}">',
            f"<style>{self.look}</style>", f'<rect width="{self.width}" height="{self.height}" class="ground"/>',
            *self.parts, "</svg>", ""]))
