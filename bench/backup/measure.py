"""Runs a command on the host, and prints what it took as a line of JSON: seconds, processor seconds, peak memory.

The memory is the largest sum of the proportional set sizes of the command and all that it started, looked at 20 times a second. The
processor seconds are theirs and those of PostgreSQL's backends that ended meanwhile: the postmaster has waited for them."""

import json
import os
import resource
import subprocess
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


def fields(pid):
    """What /proc/PID/stat has behind the name, which may have anything in it."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()


def postmaster():
    with open("/var/lib/postgresql/15/main/postmaster.pid") as file:
        return int(file.readline())


def backends_s(pid):
    """Processor seconds of children that have ended."""
    found = fields(pid)
    return (int(found[13]) + int(found[14])) / TICKS


def tree(root):
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents.setdefault(int(fields(name)[1]), []).append(int(name))
            except OSError:
                pass  # it has ended
    found, ahead = [], [root]
    while ahead:
        pid = ahead.pop()
        found.append(pid)
        ahead.extend(parents.get(pid, []))
    return found


def memory_kb(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


def main():
    server = postmaster()
    before = backends_s(server)
    begun = time.monotonic()
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    reader = threading.Thread(target=lambda: said.append(child.stdout.read()))
    reader.start()
    peak = 0
    while child.poll() is None:
        peak = max(peak, sum(map(memory_kb, tree(child.pid))))
        time.sleep(0.05)
    seconds = time.monotonic() - begun
    reader.join()
    if child.returncode != 0:
        sys.exit(f"`{' '.join(sys.argv[1:])}` ended with {child.returncode}:\n{said[0][-4000:]}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Who looks 20 times a second costs something too, and is not in it.
    cpu = used.ru_utime + used.ru_stime + backends_s(server) - before
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak / 1024}))


main()
