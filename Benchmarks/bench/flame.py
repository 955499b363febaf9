"""A flame graph: who was running, for whom. Wide is dear; what stands on something was called by it."""
from .svg import Page, style

WIDTH, ROW, MARGIN = 1400, 17, 12
NARROWEST = 0.4
LETTER = 6.3
LIGHT = {"kernel": "#9ecbff", "own": "#ffb38a", "library": "#d8c4f5"}
DARK = {"kernel": "#2f5d94", "own": "#b0561f", "library": "#67509a"}
LETTERS = 'text.in { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; }'


class Node:
    def __init__(self):
        self.count, self.children = 0, {}

    def depth(self):
        return 1 + max((child.depth() for child in self.children.values()), default=0)


def tree(counted):
    root = Node()
    for stack, count in counted.items():
        root.count += count
        node = root
        for one in stack:
            node = node.children.setdefault(one, Node())
            node.count += count
    return root


def draw(path, counted, title, subtitle):
    root = tree(counted)
    height = 64 + root.depth() * ROW
    page = Page(WIDTH, height, title, style(LIGHT, DARK, LETTERS))
    page.text(MARGIN, 24, title, "text title")
    page.text(MARGIN, 42, subtitle, "faint small")
    for index, (kind, words) in enumerate((("own", "Outrider"), ("library", "libraries"), ("kernel", "kernel"))):
        page.box(WIDTH - 280 + index * 90, 14, 12, 12, kind)
        page.text(WIDTH - 263 + index * 90, 24, words, "text small")
    scale, bottom = (WIDTH - 2 * MARGIN) / max(root.count, 1), height - MARGIN

    def place(node, left, level):
        x = left
        for (name, kind), child in sorted(node.children.items(), key=lambda pair: pair[0]):
            width = child.count * scale
            if width >= NARROWEST:
                y = bottom - (level + 1) * ROW
                page.box(x, y, width - 0.3, ROW - 1, kind, tip=f"{name}: {child.count / root.count:.2%}")
                letters = int((width - 6) / LETTER)
                if letters >= 3:
                    page.text(x + 3, y + 12, name if len(name) <= letters else name[:letters - 1] + "…", "text in")
                place(child, x, level + 1)
            x += width

    place(root, MARGIN, 0)
    page.write(path)
