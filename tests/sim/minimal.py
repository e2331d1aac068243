#!/usr/bin/env python3
"""Minimal traces of seeded bugs: minimal.py SIMULATOR BROKEN_SIMULATOR...

Of each broken simulator a seed fails. Its minimal trace must be short, repeat the very failure,
need each of its items, and hold in the simulator that is not broken. Half of them have a few
items.
"""
import os
import statistics
import subprocess
import sys
import tempfile

ITEMS_MAX = 20
ITEMS_MEDIAN = 4
KINDS = ("child ", "happening ", "life ")


def run(simulator, *arguments):
    return subprocess.run([simulator, *arguments], capture_output=True, text=True, check=False)


def replay(simulator, lines, folder):
    path = os.path.join(folder, "replayed")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return run(simulator, "--replay", path)


def check(sound, broken, folder):
    """How many items the minimal trace of `broken` has, or what is wrong with it."""
    path = os.path.join(folder, "trace")
    found = run(broken, "--seeds", "100", "--trace", path)
    if found.returncode != 1:
        return "no seed fails"
    with open(path, encoding="utf-8") as file:
        lines = file.readlines()
    failure = lines[-1].removeprefix("fails ").strip()
    items = [line for line in lines if line.startswith(KINDS)]
    if not lines[-1].startswith("fails ") or not all(line in found.stdout for line in items):
        return "it is not printed"
    if not 0 < len(items) <= ITEMS_MAX:
        return f"{len(items)} items"
    again = replay(broken, lines, folder)
    if again.returncode != 1 or failure not in again.stdout:
        return f"replayed, it ends with {again.returncode}: {again.stdout[-300:]}"
    kind = failure.split(":")[-1]
    for item in items:
        without = replay(broken, [line for line in lines if line != item], folder)
        if without.returncode == 1 and kind in without.stdout.splitlines()[-1]:
            return f"it fails without {item.strip()}, too"
    if replay(sound, lines, folder).returncode != 0:
        return "it fails without the bug, too"
    if replay(sound, [*lines, "nonsense\n"], folder).returncode != 2:
        return "nonsense is understood"
    print(f"{os.path.basename(broken)}: {len(items)} items: {failure}")
    return len(items)


def main(sound, *broken):
    sizes, wrong = [], 0
    for one in broken:
        with tempfile.TemporaryDirectory() as folder:
            verdict = check(sound, one, folder)
        if isinstance(verdict, int):
            sizes.append(verdict)
        else:
            print(f"{os.path.basename(one)}: {verdict}")
            wrong += 1
    few = wrong or statistics.median(sizes) <= ITEMS_MEDIAN
    print("" if few else f"more than {ITEMS_MEDIAN} items in the median")
    return 1 if wrong or not few else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
