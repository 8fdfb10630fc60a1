"""Clients that ask the site all the while: wrk, h2load, and a prober that keeps the time of each answer."""

import collections
import contextlib
import http.client
import json
import pathlib
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

GET = "/api/health"
POST = "/api/recomendar"
BODY = '{"zona_preferida":"Equipetrol","limite":5}'
JSON = {"Content-Type": "application/json"}
# No client outlives this, whatever becomes of the bench.
LONGEST_S = 1800
# nginx closes a connection after 1000 requests, which h2load takes for an error: each round stays below.
ROUND = {"clients": 2, "requests": 400, "per_second": 20}
PAUSE_S = 0.01

PACED = "function delay() return 10 end\n"
POSTS = f"""wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{BODY}'
"""


class Wrk:
    """wrk over HTTP/1.1 and TLS; it counts what went wrong on a connection, and connects anew."""

    def __init__(self, name, folder, url, script="", connections=2, header=None):
        self.name = name
        path = folder / f"{name}.lua".replace(" ", "-")
        path.write_text(PACED + script)
        self.argv = ["wrk", "-t1", f"-c{connections}", f"-d{LONGEST_S}s", "--timeout", "10s", "-s", path]
        self.argv += (["-H", header] if header else []) + [url]

    def start(self):
        self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        said, _ = self.process.communicate(timeout=30)
        asked = int(re.search(r"(\d+) requests in", said).group(1))
        errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
        others = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
        failed = sum(map(int, errors.groups())) if errors else 0
        return asked + failed, failed + (int(others.group(1)) if others else 0)


class H2load:
    """h2load over HTTP/2 and TLS, in rounds: it does not connect anew within one."""

    def __init__(self, name, folder, url, body=None):
        self.name = name
        self.log = folder / f"{name}.tsv".replace(" ", "-")
        self.argv = ["h2load", f"-c{ROUND['clients']}", f"-n{ROUND['requests']}", f"--rps={ROUND['per_second']}", f"--log-file={self.log}"]
        if body:
            path = folder / f"{name}.json".replace(" ", "-")
            path.write_text(body)
            self.argv += [f"--data={path}", "-H", "content-type: application/json"]
        self.argv.append(url)
        self.asked = self.failed = 0

    def start(self):
        self.goes_on = True
        self.process = None
        self.thread = threading.Thread(target=self.rounds)
        self.thread.start()

    def rounds(self):
        until = time.monotonic() + LONGEST_S
        while self.goes_on and time.monotonic() < until:
            self.log.unlink(missing_ok=True)
            self.process = subprocess.Popen(self.argv, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
            self.process.wait()
            self.count()

    def count(self):
        """Of what was asked; what h2load had still meant to ask on a connection that ended is nobody's loss."""
        rows = self.log.read_text().splitlines() if self.log.exists() else []
        states = [int(row.split("\t")[1]) for row in rows if row.count("\t") == 2]
        self.asked += len(states)
        self.failed += sum(not 200 <= state < 300 for state in states)

    def stop(self):
        self.goes_on = False
        if self.process:
            self.process.terminate()
        self.thread.join()
        return self.asked, self.failed


class Prober:
    """One client that asks every 10 ms over HTTP/1.1 and TLS. It looks whether its connection was closed before it
    asks, as careful clients do; a request that then gets no answer is a failed one."""

    def __init__(self, name, address, method="GET", fresh=False):
        self.name = name
        self.address = address
        self.method = method
        self.fresh = fresh
        self.answers = []  # (begun, ended, good, release), in seconds of the monotonic clock
        self.reasons = []

    def start(self):
        self.goes_on = True
        self.thread = threading.Thread(target=self.ask_on)
        self.thread.start()

    def stop(self):
        self.goes_on = False
        self.thread.join()
        return self.between(0, float("inf"))

    def ask_on(self):
        connection = None
        until = time.monotonic() + LONGEST_S
        while self.goes_on and time.monotonic() < until:
            if connection and (self.fresh or is_closed(connection)):
                connection.close()
                connection = None
            begun = time.monotonic()
            try:
                connection = connection or connect(self.address)
                good, release = self.ask(connection)
            except (OSError, http.client.HTTPException) as error:
                self.reasons.append(f"{self.name}: {type(error).__name__} {error}")
                good, release, connection = False, None, None
            self.answers.append((begun, time.monotonic(), good, release))
            time.sleep(PAUSE_S)

    def ask(self, connection):
        if self.method == "GET":
            connection.request("GET", GET)
        else:
            connection.request("POST", POST, BODY, JSON)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            self.reasons.append(f"{self.name}: {answer.status}")
            return False, None
        return True, json.loads(text).get("release") if self.method == "GET" else None

    def within(self, since, until):
        return [answer for answer in list(self.answers) if since <= answer[1] <= until]

    def between(self, since, until):
        """How many were asked, and how many of them failed."""
        found = self.within(since, until)
        return len(found), sum(not good for _, _, good, _ in found)


def client_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the host's own certificate, on a link of our own
    return context


TLS = client_context()


def connect(address):
    connection = http.client.HTTPSConnection(address, timeout=10, context=TLS)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def is_closed(connection):
    """Nothing is to come on an idle connection but its end, and a TLS session's tickets, which are rare."""
    if connection.sock is None:
        return True
    return bool(select.select([connection.sock], [], [], 0)[0])


class Load:
    """All of them at once."""

    def __init__(self, address, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        url = f"https://{address}"
        self.probers = [
            Prober("prober, GET", address),
            Prober("prober, POST", address, "POST"),
            Prober("prober, GET, new connections", address, fresh=True),
        ]
        self.clients = [
            Wrk("wrk, GET", folder, url + GET),
            Wrk("wrk, POST", folder, url + POST, POSTS),
            Wrk("wrk, GET, new connections", folder, url + GET, connections=1, header="Connection: close"),
            H2load("h2load, GET", folder, url + GET),
            H2load("h2load, POST", folder, url + POST, BODY),
            *self.probers,
        ]

    def __enter__(self):
        for client in self.clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.results = {}
        for client in self.clients:
            with contextlib.suppress(ProcessLookupError):
                self.results[client.name] = client.stop()

    def longest_gap(self, since, until):
        """Seconds without a good answer for any of the probers, at most."""
        answers = [answer for prober in self.probers for answer in prober.within(since, until)]
        times = [since, *sorted(ended for _, ended, good, _ in answers if good), until]
        return max(after - before for before, after in zip(times, times[1:]))

    def slowest(self, since, until):
        """Seconds that the slowest answer to a prober took."""
        answers = [answer for prober in self.probers for answer in prober.within(since, until)]
        return max((ended - begun for begun, ended, _, _ in answers), default=0)

    def failed(self, since, until):
        """Of the probers' requests, which have a time each."""
        return sum(prober.between(since, until)[1] for prober in self.probers)

    def reasons(self):
        """Why requests of the probers failed, and how many for each."""
        return collections.Counter(reason for prober in self.probers for reason in prober.reasons)


def missing_programs():
    return [name for name in ("wrk", "h2load", "ssh", "scp") if shutil.which(name) is None]
