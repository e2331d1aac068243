#!/usr/bin/env python3
"""Lets tests/e2e/oracle.py judge what the simulator writes: judge.py SIMULATOR SEEDS

The first SEEDS seeds, and the one that fails in a full run of the simulator, if any.
"""
import os
import re
import subprocess
import sys
import tempfile

import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
import oracle  # noqa: E402

FULL_RUN = "1000"


def judge(simulator, first, seeds):
    """Prints what is wrong with the traces of the seeds; the number of traces that are."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([simulator, "--first", first, "--seeds", str(seeds), "--write", folder],
                       stdout=subprocess.DEVNULL, check=False)
        names = sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
        for name in names:
            path = os.path.join(folder, name)
            with open(path[: -len(".jsonl")] + ".yaml", encoding="utf-8") as file:
                manifest = yaml.load(file, Loader=loader)
            with open(path, encoding="utf-8") as file:
                verdict = oracle.judge(manifest, file, name)
            if verdict:
                print(verdict)
                wrong += 1
    print(f"{len(names)} traces from seed {first} on, {wrong} wrong")
    return wrong if len(names) == seeds else max(wrong, 1)


def main(simulator, seeds):
    wrong = judge(simulator, "1", int(seeds))
    full = subprocess.run([simulator, "--seeds", FULL_RUN], capture_output=True, text=True,
                          check=False)
    failing = re.search(r"^seed (\d+) at", full.stdout, re.MULTILINE)
    if failing:
        print(failing.group(0), "an invariant broke; the oracle says of it:")
        judge(simulator, failing.group(1), 1)
    return 1 if wrong or failing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
