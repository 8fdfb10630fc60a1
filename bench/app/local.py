"""A PostgreSQL of the benchmark's own, and a citrino-app on it."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = "x86_64-unknown-linux-gnu"
BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
# As the production plan has it.
POSTGRESQL = """
listen_addresses = ''
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 4MB
maintenance_work_mem = 64MB
max_connections = 50
wal_buffers = 16MB
checkpoint_completion_target = 0.9
random_page_cost = 1.1
effective_io_concurrency = 200
"""


class Trouble(Exception):
    """What keeps the benchmark from being one."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Trouble(f"{' '.join(str(part) for part in command)}: {done.stdout}{done.stderr}")
    return done.stdout


def tools():
    missing = [package for program, package in [("wrk", "wrk"), ("pgbench", "postgresql-15")] if not shutil.which(program)]
    if missing:
        if os.geteuid() != 0:
            raise Trouble(f"not root, so these packages stay missing: {' '.join(missing)}")
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing])
    if os.geteuid() != 0 or not BINARIES.exists():
        raise Trouble("this needs root and PostgreSQL 15, which lab/tools installs")


def binary(given):
    if given:
        return given
    say("building citrino-app")
    run(["cargo", "build", "--release", "-p", "citrino-app"], cwd=ROOT)
    return pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / TARGET / "release/citrino-app"


class Postgres:
    """A server of the benchmark's own, on a socket in its folder."""

    def __init__(self, folder):
        self.folder = folder
        self.data = folder / "data"
        folder.mkdir()
        shutil.chown(folder, "postgres", "postgres")
        folder.chmod(0o755)
        self.tool("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"{POSTGRESQL}unix_socket_directories = '{folder}'\n")

    def tool(self, name, *rest):
        return run(["runuser", "-u", "postgres", "--", BINARIES / name, *rest], cwd="/")

    @contextlib.contextmanager
    def running(self):
        self.tool("pg_ctl", "-s", "-w", "-D", self.data, "-l", self.folder / "log", "start")
        try:
            yield self
        finally:
            self.tool("pg_ctl", "-s", "-D", self.data, "-m", "immediate", "stop")

    def sql(self, text, database="citrino"):
        return run(["psql", "-XAtq", "-h", self.folder, "-U", "postgres", "-d", database, "-c", text])

    def fill(self, app, *more):
        """Loads the demonstration data; `more` are further options of `load --demo`."""
        self.sql("CREATE ROLE citrino LOGIN", "postgres")
        self.sql("CREATE DATABASE citrino OWNER citrino", "postgres")
        self.sql("CREATE EXTENSION postgis")
        for verb in (["migrate"], ["load", "--demo", *more]):
            run([app, *verb], env=self.address())
        self.sql("VACUUM ANALYZE")

    def address(self):
        return {"DATABASE_URL": f"postgres://citrino@{str(self.folder).replace('/', '%2F')}/citrino", "PATH": os.environ["PATH"]}

    def heard(self, act, mark):
        """The statements that an act makes and that contain the mark, each with the texts of its parameters."""
        self.sql("ALTER SYSTEM SET log_min_duration_statement = 0")
        self.sql("SELECT pg_reload_conf()")
        act()  # New connections ask more than others, so the second time counts.
        seen = (self.folder / "log").stat().st_size
        act()
        before = []
        # A backend writes its line after it has answered, and hears of the setting when it gets to it.
        for number in range(1, 100):
            if number % 20 == 0:
                act()
            text = (self.folder / "log").read_text(encoding="utf-8")[seen:]
            found = re.findall(r"execute sqlx_s_\d+: ([^\n]*(?:\n\t[^\n]*)*)\n(?:[^\n\t]*DETAIL:  parameters: ([^\n]*)\n)?", text)
            statements = [filled(sql, dict(re.findall(r"\$(\d+) = '((?:[^']|'')*)'", given))) for sql, given in found if mark in sql]
            if statements and statements == before:
                break
            before = statements
            time.sleep(0.2)
        self.sql("ALTER SYSTEM RESET log_min_duration_statement")
        self.sql("SELECT pg_reload_conf()")
        if not statements:
            raise Trouble(f"the log tells no statement with {mark}:\n{text[:2000]}")
        return list(dict.fromkeys(statements))


def filled(sql, given):
    """A statement with its parameters filled in, typed as the app binds them."""

    def value(match):
        text = given[match[1]]
        if text.startswith("{"):
            return f"'{text}'::int8[]" if re.fullmatch(r"[{\d,}]*", text) else f"'{text}'::text[]"
        return f"{text}::int8" if text.isdigit() else f"'{text}'::text"

    return re.sub(r"\$(\d+)", value, sql)


def family(pid):
    """A process and its descendants."""
    children = []
    with contextlib.suppress(OSError):  # It may end meanwhile.
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return [str(pid), *(one for child in children for one in family(child))]


def spent(pid):
    """Microseconds of processor that a process and its descendants have had, by thread: some end meanwhile."""
    had = {}
    for one in family(pid):
        for task in pathlib.Path(f"/proc/{one}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # A thread may end meanwhile.
                had[task] = int(task.read_text(encoding="utf-8").split()[0]) / 1000
    return had


class Server:
    """A process that serves, and what it needs of memory."""

    def __init__(self, command, port, **options):
        self.port = port
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options)
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5).read()
                return
            if self.process.poll() is not None:
                raise Trouble(f"{command[0]} does not serve")
            time.sleep(0.1)
        self.stop()
        raise Trouble(f"{command[0]} does not answer")

    def memory(self):
        """Megabytes of the process and its children; what they share is counted once."""
        kilobytes = 0
        for pid in family(self.process.pid):
            rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            kilobytes += int(re.search(r"^Pss: +(\d+)", rollup, re.M)[1])
        return kilobytes / 1024

    def ready(self):
        """Waits until it can do its work."""
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/ready", timeout=5).read()
                return
            time.sleep(0.1)
        raise Trouble("the app does not become ready")

    def stop(self):
        """Asks it to leave; how long that took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        return time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
