#!/usr/bin/env python3
"""Instructions and heap allocations of every micro benchmark, held against what is committed in Thresholds/micro.tsv.

    Benchmarks/check.py [--update]

Builds the package of this folder, runs every case under callgrind and with malloc interposed, and fails when a case
takes more allocations than its threshold, or over TOLERANCE more instructions. --update writes what was measured as the new
thresholds: look at the difference before you commit it. Counts do not depend on how busy the machine is; those of instructions do
a little on the processor, since libc picks its memcpy by it.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
THRESHOLDS = HERE / "Thresholds" / "micro.tsv"
TOLERANCE = 0.05
ENVIRONMENT = {**os.environ, "SWIFT_DETERMINISTIC_HASHING": "1"}


def build():
    command = ["swift", "build", "-c", "release", "--package-path", str(HERE), "--product", "Count"]
    if subprocess.run(command, stdout=sys.stderr).returncode:
        sys.exit("the micro benchmarks do not build")
    return subprocess.run([*command, "--show-bin-path"], capture_output=True, text=True, check=True).stdout.strip() + "/Count"


def run(command, **environment):
    """What Count prints: {name: (iterations, allocations)}, in order."""
    done = subprocess.run(command, capture_output=True, text=True, env={**ENVIRONMENT, **environment})
    if done.returncode:
        sys.exit(f"{command[0]} ends with {done.returncode}: {done.stderr[-2000:]}")
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {name: (int(iterations), int(count)) for name, iterations, count in rows}


def count_allocations(binary, folder):
    """Heap allocations an iteration."""
    library, page = f"{folder}/allocations.so", pathlib.Path(folder, "page")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, str(HERE / "allocations.c")], check=True)
    page.write_bytes(bytes(1 << 20))
    rows = run([binary], LD_PRELOAD=library, OUTRIDER_ALLOCATIONS=str(page))
    return {name: count / iterations for name, (iterations, count) in rows.items()}


def count_instructions(binary, folder, number):
    """Instructions an iteration of one case: what callgrind collects inside `measured`."""
    out = pathlib.Path(folder, "calls")
    (iterations, _), = run(["valgrind", "--tool=callgrind", "--toggle-collect=*Count8measured*",
                            f"--callgrind-out-file={out}", binary, str(number)]).values()
    return int(re.search(r"^summary: (\d+)", out.read_text(), re.M).group(1)) / iterations


def measure(binary, folder):
    """{name: (instructions, allocations)} of all cases."""
    # Debian's valgrind cannot read the debug information of Swift 6; it needs the symbols only.
    symbols = f"{folder}/Count"
    subprocess.run(["objcopy", "--strip-debug", binary, symbols], check=True)
    heap = count_allocations(binary, folder)
    return {name: (count_instructions(symbols, folder, number), count) for number, (name, count) in enumerate(heap.items())}


def read():
    """{name: (instructions, allocations)} as committed."""
    if not THRESHOLDS.exists():
        return {}
    rows = (line.split("\t") for line in THRESHOLDS.read_text().splitlines()[1:])
    return {name: (float(instructions), float(allocations)) for name, instructions, allocations in rows}


def write(measured):
    lines = ["case\tinstructions\tallocations"]
    lines += [f"{name}\t{instructions:.0f}\t{allocations:g}" for name, (instructions, allocations) in measured.items()]
    THRESHOLDS.parent.mkdir(exist_ok=True)
    THRESHOLDS.write_text("\n".join(lines) + "\n")


def faults(measured, thresholds):
    """What rose, or cannot be told, a sentence each."""
    for name, (instructions, allocations) in measured.items():
        if name not in thresholds:
            yield f"“{name}” has no threshold"
            continue
        instructions_max, allocations_max = thresholds[name]
        if allocations > allocations_max:
            yield f"“{name}” takes {allocations:g} heap allocations, above its threshold of {allocations_max:g}"
        if instructions > instructions_max * (1 + TOLERANCE):
            rise = instructions / instructions_max - 1
            yield f"“{name}” takes {instructions:.0f} instructions, {rise:.0%} above its threshold of {instructions_max:.0f}"
    yield from (f"“{name}” has a threshold and is no case" for name in thresholds if name not in measured)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="make what is measured the thresholds")
    options = parser.parse_args()
    missing = [package for tool, package in {"valgrind": "valgrind", "cc": "gcc", "objcopy": "binutils"}.items() if not shutil.which(tool)]
    if missing:
        sys.exit(f"apt-get install -y {' '.join(missing)}")
    binary = build()
    with tempfile.TemporaryDirectory(prefix="outrider-micro-") as folder:
        measured = measure(binary, folder)
    thresholds = read()
    for name, (instructions, allocations) in measured.items():
        before = f"  (threshold {thresholds[name][0]:.0f}, {thresholds[name][1]:g})" if name in thresholds else ""
        print(f"{name:<55} {instructions:>8.0f} instructions {allocations:>6g} allocations{before}")
    if options.update:
        return write(measured)
    wrong = list(faults(measured, thresholds))
    if wrong:
        sys.exit("\n".join([*wrong, "Where that is meant: make bench-check UPDATE=1, and commit Benchmarks/Thresholds."]))


if __name__ == "__main__":
    main()
