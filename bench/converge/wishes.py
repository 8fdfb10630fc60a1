"""What is expected of a host, and whether it has it: the same for every tool."""

import difflib
import json
import pathlib
import subprocess

from lab import Trouble, run

HERE = pathlib.Path(__file__).resolve().parent


class Expected:
    """What the playbooks name; `programs` is the folder of the peers' programs, Python among them."""

    def __init__(self, programs):
        found = json.loads(run([programs / "python3", HERE / "playbooks.py"]))
        self.named = found["paths"]
        self.packages = found["packages"]

    def paths(self, *kinds):
        return [path for kind, path in self.named if kind in kinds]

    def fetch_files(self, server, folder):
        """Copies what the `file` steps made, so that the peers need no templates."""
        command = ["ssh", "-F", "none", *server.ssh_options(), f"root@{server.address}", "tar", "-cC", "/"]
        relative = [path.lstrip("/") for path in self.paths("file")]
        packed = subprocess.run([*command, *relative], stdout=subprocess.PIPE, check=True).stdout
        folder.mkdir()
        subprocess.run(["tar", "-x", "--no-same-owner", "-C", folder], input=packed, check=True)

    def state(self, server):
        return server.ssh((HERE / "state.sh").read_text(), *self.paths("file", "directory", "link"))


def compare(expected, found, name):
    if found != expected:
        difference = difflib.unified_diff(expected.splitlines(), found.splitlines(), "citrino-ops", name, lineterm="", n=0)
        raise Trouble(f"{name} left another state than citrino-ops:\n" + "\n".join(difference))
