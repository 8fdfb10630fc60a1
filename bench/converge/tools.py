"""The tools that are compared. Each gets a fresh server, converges it, and says how many steps changed something."""

import json
import os
import re
import subprocess
import sys
import time

from lab import Trouble, run
from wishes import HERE

# What would make one operator's machine measure something else than another's.
FOREIGN = ("ANSIBLE_", "PYINFRA_", "HCLOUD_", "CITRINO_", "SSH_AUTH_SOCK", "PYTHON")


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    # The tree stays as it is.
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | more


def timed(argv, **options):
    """How many seconds a program took, and what it printed."""
    begun = time.monotonic()
    said = run(argv, **options)
    return time.monotonic() - begun, said


def count(pattern, said, name):
    found = re.search(pattern, said, re.MULTILINE)
    if found is None:
        raise Trouble(f"{name} did not say what it changed:\n{said[-2000:]}")
    return int(found.group(1).replace("-", "0"))


def number(said):
    """The version in what `--version` printed."""
    return re.search(r"\d+(\.\d+)+", said).group(0)


def virtual_environment(folder):
    """A throw-away one with the peers in it."""
    run([sys.executable, "-m", "venv", folder / "venv"])
    pip = [folder / "venv/bin/pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "-r", HERE / "requirements.txt"])
    return folder / "venv/bin"


class AptGet:
    """The reference for first runs: the packages and nothing else, on the host's own clock, without ssh."""

    name = "bare `apt-get install`"
    SCRIPT = """set -e
export DEBIAN_FRONTEND=noninteractive
begun=$EPOCHREALTIME
apt-get install -y --no-install-recommends "$@" >apt.log 2>&1 || { tail apt.log >&2; exit 1; }
echo "$begun $EPOCHREALTIME"
"""

    def __init__(self, lab, packages):
        self.lab = lab
        self.packages = packages

    def measure(self):
        server = self.lab.create()
        server.warm()
        begun, ended = map(float, server.ssh(self.SCRIPT, *self.packages).split())
        server.delete()
        return ended - begun


class CitrinoOps:
    name = "citrino-ops"

    def __init__(self, lab, program, folder):
        self.lab = lab
        self.program = program
        self.config = folder / "citrino.yml"
        cloud = {
            "server_type": "cpx11", "location": "ash", "image": "debian-12",
            "ssh_keys": [f"{lab.operator_key}.pub"], "endpoint": lab.endpoint, "token": {"file": str(lab.token_file)},
        }
        # JSON is YAML.
        self.config.write_text(json.dumps({"stack": "bench", "domain": "bench.example.com", "cloud": cloud}))
        self.environment = environment(XDG_CACHE_HOME=str(folder / "cache"))

    def version(self):
        return f"{self.name} {number(run([self.program, '--version']))}"

    def provide(self):
        self.call("provision", "--yes")
        server = self.lab.find("bench")
        server.wait()
        # `provision` leaves the agent there. A first run brings it along, as the peers bring their modules.
        server.ssh("rm -rf /var/lib/citrino/agent")
        return server

    def call(self, *arguments):
        return timed([self.program, "-c", self.config, "--json", *arguments], env=self.environment)

    def converge(self, server):
        seconds, said = self.call("converge")
        summary = json.loads(said.strip().splitlines()[-1])
        return seconds, summary["changed"]

    def release(self, server):
        self.call("destroy", "--unprotect")
        self.call("destroy", "--yes")


class Ansible:
    name = "ansible-core"

    def __init__(self, lab, programs, folder):
        self.lab = lab
        self.program = programs / "ansible-playbook"
        self.files = folder / "files"
        self.folder = folder

    def version(self):
        return f"{self.name} {number(run([self.program, '--version']))}"

    def provide(self):
        return self.lab.create()

    def control_paths(self, server):
        return self.folder / f"cp{server.id}"

    def converge(self, server):
        options = " ".join(["-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s", *server.ssh_options()])
        env = environment(
            ANSIBLE_CONFIG=str(HERE / "ansible/ansible.cfg"), ANSIBLE_HOME=str(self.folder / "ansible"),
            ANSIBLE_SSH_CONTROL_PATH_DIR=str(self.control_paths(server)), ANSIBLE_SSH_ARGS=options,
        )
        command = [self.program, "-i", f"{server.address},", "-u", "root", "-e", f"files={self.files}", HERE / "ansible/site.yml"]
        seconds, said = timed(command, env=env)
        return seconds, count(r"^\S+ +: ok=\d+ +changed=(\d+) ", said, self.name)

    def release(self, server):
        """Ends the connection that ControlPersist keeps, which would outlive the bench."""
        for path in self.control_paths(server).iterdir():
            subprocess.run(["ssh", "-F", "none", "-O", "exit", "-S", path, server.address], stderr=subprocess.DEVNULL)
        server.delete()


class Pyinfra:
    name = "pyinfra"

    def __init__(self, lab, programs, folder):
        self.lab = lab
        self.program = programs / "pyinfra"
        self.files = folder / "files"

    def version(self):
        return f"{self.name} {number(run([self.program, '--version']))}"

    def provide(self):
        return self.lab.create()

    def converge(self, server):
        data = {"files": self.files, "ssh_known_hosts_file": server.known_hosts, "ssh_strict_host_key_checking": "yes"}
        command = [self.program, "--yes", "--user", "root", "--key", server.key]
        for key, value in data.items():
            command += ["--data", f"{key}={value}"]
        seconds, said = timed([*command, server.address, HERE / "pyinfra/deploy.py"], env=environment())
        # Its "success" is what changed; "no change" has a column of its own, and 0 is a dash.
        return seconds, count(r"^ +Grand total +\d+ +(\d+|-) ", said, self.name)

    def release(self, server):
        server.delete()
