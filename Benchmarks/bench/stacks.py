"""Stacks, counted: from `perf script`, or put together from callgrind's call graph. A stack is a tuple of (name, kind), outermost
first; the kind is "kernel", "own" or "library"."""
import collections
import re
import shutil
import subprocess

DEPTH_MAX = 60
SHARE_MIN = 1e-4  # of everything: what is less is not followed into


def from_perf(text, own):
    """`text`: of `perf script -F comm,ip,sym,dso`; `own`: the name of the program. {stack: samples}."""
    counted = collections.Counter()
    for sample in text.split("\n\n"):
        frames = []  # from outside: what was inlined is of the same kind as the function around it
        for line in reversed(sample.splitlines()[1:]):
            if line.strip():
                frames.append(frame(line, own, frames[-1][1] if frames else "library"))
        if frames:
            counted[tuple(frames)] += 1
    return demangled(counted)


def frame(line, own, around):
    match = re.match(r"\s*[0-9a-f]+ (.*) \((.*)\)$", line)
    symbol, place = match.groups() if match else (line.strip(), "")
    if place == "inlined":
        return symbol, around
    if place.startswith("[") and "kernel" in place or place.endswith(".ko"):
        kind = "kernel"
    else:
        kind = "own" if place.rpartition("/")[2] == own else "library"
    return symbol if symbol != "[unknown]" else f"[{place.rpartition('/')[2]}]", kind


def from_callgrind(text, own):
    """Callgrind knows who called whom and at what cost, not stacks: what a function cost is given to its callers by the shares
    that their calls had of it. {stack: instructions}."""
    alone, calls, kinds = read_callgrind(text, own)
    inclusive = collections.Counter(alone)
    for caller, callees in calls.items():
        for callee, cost in callees.items():
            inclusive[caller] += cost if caller != callee else 0
    called = {callee for caller, callees in calls.items() for callee in callees if callee != caller}
    everything, counted = sum(alone.values()), collections.Counter()

    def walk(name, stack, cost):
        if cost < everything * SHARE_MIN or len(stack) >= DEPTH_MAX or name in (one for one, _ in stack):
            counted[stack] += cost
            return
        stack, share = (*stack, (name, kinds[name])), cost / max(inclusive[name], 1)
        counted[stack] += alone[name] * share
        for callee, part in calls[name].items():
            if callee != name:
                walk(callee, stack, part * share)

    for name in set(inclusive) - called:
        walk(name, (), inclusive[name])
    return demangled(collections.Counter({stack: round(cost) for stack, cost in counted.items() if stack and cost >= 1}))


def read_callgrind(text, own):
    """({function: own cost}, {caller: {callee: inclusive cost}}, {function: kind})."""
    names, objects, alone, kinds = {}, {}, collections.Counter(), collections.defaultdict(lambda: "library")
    calls, current, callee, home = collections.defaultdict(collections.Counter), None, None, ""

    def named(table, value):
        number, _, name = re.match(r"\((\d+)\)( (.*))?", value).group(1, 2, 3)
        if name:
            table[number] = name
        return table.get(number, "?")

    awaited = False
    for line in text.splitlines():
        key, found, value = line.partition("=")
        if found and key == "ob":
            home = named(objects, value)
        elif found and key == "cob":
            named(objects, value)
        elif found and key == "fn":
            current = named(names, value)
            kinds[current] = "own" if home.rpartition("/")[2] == own else "library"
        elif found and key == "cfn":
            callee = named(names, value)
        elif found and key == "calls":
            awaited = True
        elif current and re.match(r"[+\-*\d]", line):
            cost = int(line.split()[1]) if len(line.split()) > 1 else 0
            if awaited:
                calls[current][callee] += cost
            else:
                alone[current] += cost
            awaited = False
    return alone, calls, kinds


def demangled(counted):
    """Swift's names as they are read, where there is a Swift."""
    swift = shutil.which("swift")
    names = sorted({name for stack in counted for name, _ in stack if name.startswith("$s")})
    if not swift or not names:
        return counted
    done = subprocess.run([swift, "demangle", "--compact", "--simplified"], input="\n".join(names), capture_output=True, text=True)
    known = dict(zip(names, done.stdout.splitlines()))
    fresh = collections.Counter()
    for stack, count in counted.items():
        fresh[tuple((known.get(name, name), kind) for name, kind in stack)] += count
    return fresh


def leaves(counted):
    """{(name, kind): what it cost by itself}."""
    found = collections.Counter()
    for stack, count in counted.items():
        found[stack[-1]] += count
    return found


def inclusive(counted):
    found = collections.Counter()
    for stack, count in counted.items():
        for one in set(stack):
            found[one] += count
    return found


def share(counted, pattern):
    """Of everything, what was spent in functions of such names and below them."""
    matches = re.compile(pattern)
    return sum(count for stack, count in counted.items() if any(matches.search(name) for name, _ in stack)) / sum(counted.values())
