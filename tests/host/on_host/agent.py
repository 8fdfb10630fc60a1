#!/usr/bin/python3
"""Stands in the agent's place on the host, and lets a test into one run of it, by an order in a file.

hold WORD        it stops before it becomes the agent, until somebody who knows the word lets it go on
next ORDER       not for this run, but for the one after it
cut SIDE NUMBER  when so many messages of the operator's or the agent's side have passed, the connection is gone
"""

import json
import os
import signal
import subprocess
import sys
import threading

REAL = "/root/the-agent"
ORDER = "/run/citrino-order"
TAKEN = ORDER + ".taken"


def order():
    try:
        # Of two runs one has it.
        os.rename(ORDER, TAKEN)
    except FileNotFoundError:
        return []
    with open(TAKEN) as file:
        return file.read().split()


def connection():
    """The process of sshd that we are a child of."""
    pid = os.getppid()
    while True:
        with open(f"/proc/{pid}/stat") as file:
            name, rest = file.read().rsplit(")", 1)
        if name.endswith("(sshd"):
            return pid
        pid = int(rest.split()[1])


class Relay:
    def __init__(self, side, number):
        self.side, self.left = side, number
        self.agent = subprocess.Popen(
            sys.argv, executable=REAL, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(self):
        threading.Thread(target=self.from_operator, daemon=True).start()
        for line in self.agent.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            # How often the agent says that it lives depends on how fast the machine is.
            if line != b'"alive"\n':
                self.passed("agent")
        sys.exit(self.agent.wait())

    def from_operator(self):
        for line in sys.stdin.buffer:
            self.to_agent(line)
            # The content of a blob is a message of its own; its first half goes with what says that it comes.
            message = json.loads(line)
            content = message["blob"]["packed_bytes"] if "blob" in message else 0
            self.to_agent(sys.stdin.buffer.read(content // 2))
            self.passed("operator")
            if content:
                self.to_agent(sys.stdin.buffer.read(content - content // 2))
                self.passed("operator")
        self.agent.stdin.close()

    def to_agent(self, data):
        try:
            self.agent.stdin.write(data)
            self.agent.stdin.flush()
        except BrokenPipeError:
            pass  # It has ended, which the other side is told by its output.

    def passed(self, side):
        if side != self.side:
            return
        self.left -= 1
        if self.left == 0:
            with open(ORDER + ".done", "w"):
                pass
            os.kill(connection(), signal.SIGKILL)
            # Our ends of the pipes go too, at once.
            os._exit(1)


words = order()
match words:
    case ["next", *rest]:
        with open(ORDER + ".new", "w") as file:
            file.write(" ".join(rest))
        os.rename(ORDER + ".new", ORDER)
    case ["cut", side, number]:
        Relay(side, int(number)).run()
    case ["hold", _]:
        os.kill(os.getpid(), signal.SIGSTOP)
os.execv(REAL, sys.argv)
