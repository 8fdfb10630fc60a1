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


# What a step's `when:` comes to for the bench's stack; one that is not here ends the bench.
WHEN = {
    "ssh_keys": True,
    "not backup.pitr": True,
    "not backup.s3": True,
    "secrets.DB_PASSWORD is not defined": True,
    "secrets.DB_PASSWORD is defined": False,
    "volume": False,
    "https": False,
    'tls.issuer == "self_signed"': False,
    "backup.pitr": False,
    "backup.s3": False,
    "backup.pitr and not backup.s3": False,
    'facts.os.id == "ubuntu"': False,
    'facts.virt != "systemd-nspawn"': False,
}


def steps():
    """The text of each step that the bench's stack has."""
    for text in playbooks():
        for step in re.split(r"^- name:", text, flags=re.MULTILINE)[1:]:
            when = re.search(r"^  when: (.+)$", step, re.MULTILINE)
            if when and when[1] not in WHEN:
                raise Trouble(f"bench/converge/wishes.py does not know whether this holds: `when: {when[1]}`")
            if not when or WHEN[when[1]]:
                yield step


def paths(*kinds):
    """The paths that steps of these kinds name; a step is written in one line or in several."""
    path = re.compile(rf"\b(?:{'|'.join(kinds)}):\s*(?:{{\s*)?path:\s*([^\s,}}]+)")
    return [found for step in steps() for found in path.findall(step)]


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
