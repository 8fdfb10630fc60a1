"""Prints what a deploy can change on a host, one thing a line, without what differs between two deploys that did the same:
names that are times, which of the slots it was, when something was built."""

import hashlib
import json
import os
import re
import stat
import subprocess

APP = "/home/citrino/citrino"
AGENT = "/var/lib/citrino"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def kind(release):
    folder = f"{APP}/releases/{release}"
    if not os.path.exists(f"{folder}/release.json"):
        return "torn"
    state = f"{folder}/state"
    return read(state).decode().strip() if os.path.exists(state) else "failed"


def names():
    """The names that differ, and what to call them."""
    called, count = {}, {}
    for release in sorted(os.listdir(f"{APP}/releases"), reverse=True):
        state = kind(release)
        count[state] = count.get(state, 0) + 1
        called[release] = f"{state}-{count[state]}"
    live = os.path.basename(os.readlink(f"{APP}/live"))
    called[live] = "live"
    called["green" if live == "blue" else "blue"] = "resting"
    return called


CALLED = names()
NAMES = re.compile("|".join(map(re.escape, CALLED)))


def plain(text):
    return NAMES.sub(lambda name: CALLED[name.group()], text)


def content(path):
    data = read(path)
    digest = hashlib.sha256(data).hexdigest()
    folder, name = os.path.split(path)
    if name == "citrino-app":
        # The name of a release ends with the head of the hash.
        return "its own" if folder.endswith(digest[:8]) else digest
    if name == "release.json":
        manifest = json.loads(data)
        whole = hashlib.sha256(read(f"{folder}/citrino-app")).hexdigest()
        del manifest["built_at"]
        manifest["sha256"] = "its own" if manifest["sha256"] == whole else "another's"
        return plain(json.dumps(manifest))
    return plain(repr(data.decode())) if name == "release.env" else digest


def told(path):
    found = os.lstat(path)
    line = f"{stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid} {plain(path)}"
    if stat.S_ISLNK(found.st_mode):
        return f"{line} -> {plain(os.readlink(path))}"
    # Of the agent's own files only which there are: the rest is times and names of runs.
    return f"{line} {content(path)}" if stat.S_ISREG(found.st_mode) and path.startswith(APP) else line


def paths(folder):
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            yield os.path.join(place, name)


for root in (APP, AGENT):
    print("\n".join(sorted(map(told, paths(root)))))
for slot in ("blue", "green"):
    ask = ["systemctl", "show", "--property=ActiveState,SubState,UnitFileState", f"citrino@{slot}.service"]
    state = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.split()
    print(f"unit {CALLED[slot]}: {' '.join(state)}")
