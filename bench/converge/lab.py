"""A bench's own lab: a Hetzner API on loopback, and fresh servers from it."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

SERVER = {"server_type": "cpx11", "location": "ash", "image": "debian-12"}


class Trouble(Exception):
    """What ends the bench, as a sentence."""


def run(argv, **options):
    """Runs a program to its end and gives what it printed; a failure shows the end of that."""
    done = subprocess.run(argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-40:])
        raise Trouble(f"`{' '.join(map(str, argv[:6]))} …` ended with {done.returncode}:\n{tail}")
    return done.stdout


class Lab:
    def __init__(self, program, folder, name="bench", port=8492, subnet="10.79.0.0/24"):
        self.program = program
        self.name = name
        self.port = port
        self.subnet = subnet
        self.state = folder / "lab"
        self.folder = folder
        self.endpoint = f"http://127.0.0.1:{port}/v1"
        self.key = folder / "peers_ed25519"
        self.servers = 0
        self.is_up = False

    def environment(self):
        return os.environ | {
            "CITRINO_LAB_NAME": self.name,
            "CITRINO_LAB_PORT": str(self.port),
            "CITRINO_LAB_SUBNET": self.subnet,
            "CITRINO_LAB_STATE": str(self.state),
        }

    def up(self):
        self.refuse_leftovers()
        self.is_up = True
        run([self.program, "up"], env=self.environment())
        self.token_file = self.state / "token"
        self.token = self.token_file.read_text().strip()
        self.operator_key = self.state / "operator/id_ed25519"
        self.make_key()

    def down(self):
        if self.is_up:
            run([self.program, "down"], env=self.environment())
            self.is_up = False

    def make_key(self):
        """A key for the servers of the peers: citrino-ops brings the operator's to the API by itself,
        and the API takes each key once."""
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(self.key)])
        public = self.key.with_suffix(".pub").read_text()
        self.call("POST", "/ssh_keys", {"name": "bench-peers", "public_key": public})

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.endpoint + path, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=60) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise Trouble(f"{method} {path}: {error} {error.read().decode()}") from error
        return json.loads(text) if text else None

    def create(self):
        """A fresh server that has nothing to do any more but wait for us."""
        self.servers += 1
        order = SERVER | {"name": f"peer-{self.servers}", "ssh_keys": ["bench-peers"]}
        made = self.call("POST", "/servers", order)["server"]
        server = Server(self, made, self.key)
        server.wait()
        return server

    def find(self, name):
        """A server that somebody else made, here citrino-ops."""
        found = self.call("GET", f"/servers?name={name}")["servers"]
        if not found:
            raise Trouble(f"there is no server `{name}` in the lab")
        return Server(self, found[0], self.operator_key)

    def refuse_leftovers(self):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return
        raise Trouble(
            f"something answers on port {self.port}: another bench runs, or one was killed; then take its lab down with\n"
            f"  CITRINO_LAB_NAME={self.name} CITRINO_LAB_PORT={self.port} CITRINO_LAB_SUBNET={self.subnet} CITRINO_LAB_STATE=THAT_FOLDER/lab citrino-lab down"
        )


class Server:
    def __init__(self, lab, found, key):
        self.lab = lab
        self.id = found["id"]
        self.name = found["name"]
        self.address = found["public_net"]["ipv4"]["ip"]
        self.key = key
        # The lab names both after the last byte of the address.
        number = self.address.rsplit(".", 1)[1]
        self.link = f"cl{lab.name}{number}"
        self.namespace = f"clab-{lab.name}-{number}"
        # Addresses come back with another host key: known hosts are this server's alone.
        self.known_hosts = lab.folder / f"known_hosts.{self.id}"

    def ssh_options(self):
        return [
            "-i", str(self.key), "-o", f"UserKnownHostsFile={self.known_hosts}",
            "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-o", "LogLevel=ERROR",
        ]

    def ssh(self, script, *arguments):
        """Has bash on the server run a script, and gives what it printed."""
        command = ["ssh", "-F", "none", *self.ssh_options(), f"root@{self.address}", "bash", "-s", "--", *arguments]
        done = subprocess.run(command, input=script, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Trouble(f"on {self.name}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def wait(self):
        until = time.monotonic() + 120
        while True:
            try:
                # Its exit code tells of warnings too; what counts is that it has ended.
                self.ssh("cloud-init status --wait >/dev/null || true; systemctl is-system-running --wait || true")
                return
            except Trouble:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)

    def warm(self):
        """Reads the disk once, so that whoever comes first does not pay for a cold cache."""
        self.ssh("find / -xdev -type f -print0 | xargs -0 cat >/dev/null")

    def delete(self):
        self.lab.call("DELETE", f"/servers/{self.id}")
        while any(found["id"] == self.id for found in self.lab.call("GET", "/servers")["servers"]):
            time.sleep(0.1)


def missing_programs():
    return [name for name in ("ip", "tc", "ssh", "ssh-keygen") if shutil.which(name) is None]
