"""What is wished, and whether a host has it: the same for every tool."""

import difflib
import pathlib
import re
import subprocess

from lab import Trouble

HERE = pathlib.Path(__file__).resolve().parent
PLAYBOOKS = HERE.parent.parent / "playbooks"


def playbooks():
    names = re.findall(r"^- (\w+)$", (PLAYBOOKS / "site.yml").read_text(), re.MULTILINE)
    return [(PLAYBOOKS / f"{name}.yml").read_text() for name in names]


def paths(*kinds):
    """The paths that steps of these kinds name; a step is written in one line or in several."""
    step = re.compile(rf"\b(?:{'|'.join(kinds)}):\s*(?:{{\s*)?path:\s*([^\s,}}]+)")
    return [path for text in playbooks() for path in step.findall(text)]


def packages():
    found = [re.search(r"\binstall: \[([^]]+)\]", text) for text in playbooks()]
    return [name.strip() for match in found if match for name in match.group(1).split(",")]


def fetch_files(server, folder):
    """Copies what the `file` steps made, so that the peers need no templates."""
    command = ["ssh", "-F", "none", *server.ssh_options(), f"root@{server.address}", "tar", "-cC", "/"]
    relative = [path.lstrip("/") for path in paths("file")]
    packed = subprocess.run([*command, *relative], stdout=subprocess.PIPE, check=True).stdout
    folder.mkdir()
    subprocess.run(["tar", "-x", "--no-same-owner", "-C", folder], input=packed, check=True)


def state(server):
    return server.ssh((HERE / "state.sh").read_text(), *paths("file", "directory", "link"))


def compare(expected, found, name):
    if found != expected:
        difference = difflib.unified_diff(expected.splitlines(), found.splitlines(), "citrino-ops", name, lineterm="", n=0)
        raise Trouble(f"{name} left another state than citrino-ops:\n" + "\n".join(difference))
