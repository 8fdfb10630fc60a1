#!/usr/bin/python3
"""Says of every process of a binary that it sees, until its input ends, what it can do: one line of JSON for each.

processes.py NAME   the name of the binary in the folder of a release
"""

import json
import os
import select
import sys

NAMES = ("Uid", "NoNewPrivs", "Seccomp", "CapBnd", "CapEff")


def about(pid):
    with open(f"/proc/{pid}/status") as file:
        lines = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open(f"/proc/{pid}/cmdline") as file:
        words = file.read().split("\0")[1:-1]
    with open(f"/proc/{pid}/mountinfo") as file:
        closed = [line.split()[4] for line in file if "/inaccessible/" in line]
    found = {name: lines[name].split()[0] for name in NAMES}
    return {**found, "words": words, "closed": closed}


def main(name):
    seen = {}
    while not select.select([sys.stdin], [], [], 0)[0]:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name:
                    # What it was before it became the binary may be seen in the one, what it is then in the other.
                    seen[pid] = about(pid)
            except OSError:
                pass
    for found in seen.values():
        print(json.dumps(found))


main(*sys.argv[1:])
