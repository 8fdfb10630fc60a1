"""The wishes of playbooks/site.yml for Debian 12 in a container, by pyinfra's own operations.

`files` is the folder of the finished files. What pyinfra has no operation for, ufw and
extensions of PostgreSQL, are operations of the same kind here: a fact, and commands when it differs.
"""

from pyinfra import host
from pyinfra.api import operation
from pyinfra.facts.files import Directory, File
from pyinfra.facts.server import Command
from pyinfra.operations import apt, files, postgres, server, systemd


def put(path, user="root", group="root", mode="644"):
    return files.put(name=path, src=host.data.files + path, dest=path, user=user, group=group, mode=mode)


def directory(path, owner="root", mode="755", group=None):
    files.directory(name=path, path=path, user=owner, group=group or owner, mode=mode)


@operation()
def firewall(ports):
    # One fact for all of it, so that it costs one round trip.
    state = host.get_fact(Command, "ufw show added; iptables -S; cat /etc/ufw/ufw.conf") or ""
    lines = state.splitlines()
    for port in ports:
        if f"ufw allow {port}/tcp" not in lines:
            yield f"ufw allow {port}/tcp"
    wished = ["-P INPUT DROP", "-P OUTPUT ACCEPT", "-N ufw-user-input", "ENABLED=yes"]
    if not all(line in lines for line in wished):
        yield "ufw default deny incoming"
        yield "ufw default allow outgoing"
        yield "ufw --force enable"


@operation()
def extensions(names, database):
    psql = f"psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c"
    found = host.get_fact(Command, f"{psql} 'SELECT extname FROM pg_extension'") or ""
    for name in names:
        if name not in found.splitlines():
            yield f"{psql} 'CREATE EXTENSION {name}'"


# base
directory("/etc/postgresql-common/createcluster.d")
put("/etc/postgresql-common/createcluster.d/citrino.conf")
for service in ("nginx", "postgresql@"):
    directory(f"/etc/systemd/system/{service}.service.d")
    put(f"/etc/systemd/system/{service}.service.d/citrino.conf")
apt.packages(
    name="packages",
    packages=["ca-certificates", "curl", "nginx", "postgresql-15", "postgresql-15-postgis-3", "ufw", "unattended-upgrades"],
    no_recommends=True,
)
put("/etc/apt/apt.conf.d/60citrino")
sshd = put("/etc/ssh/sshd_config.d/10-citrino.conf", mode="600")
systemd.service(name="sshd", service="ssh.service")
systemd.service(name="sshd runs what is on disk", service="ssh.service", reloaded=True, _if=sshd.did_change)
directory("/etc/citrino")

# firewall
firewall(name="firewall", ports=[22, 80, 443])

# postgres
server.shell(
    name="PostgreSQL's cluster", commands=["pg_createcluster 15 main --locale C.UTF-8 -- --data-checksums"],
    _if=lambda: host.get_fact(File, "/etc/postgresql/15/main/postgresql.conf") is None,
)
directory("/etc/postgresql")
directory("/etc/postgresql/15")
directory("/etc/postgresql/15/main", group="postgres")
directory("/etc/postgresql/15/main/conf.d", group="postgres")
for own in ["postgresql.conf", "pg_ctl.conf", "environment", "start.conf"]:
    files.file(name=own, path=f"/etc/postgresql/15/main/{own}", user="root", group="postgres")
settings = put("/etc/postgresql/15/main/conf.d/citrino.conf", "root", "postgres")
guests = put("/etc/postgresql/15/main/pg_hba.conf", "root", "postgres", "640")
users = put("/etc/postgresql/15/main/pg_ident.conf", "root", "postgres", "640")
systemd.service(
    name="PostgreSQL runs its settings", service="postgresql@15-main.service", restarted=True, _if=settings.did_change,
)
systemd.service(name="PostgreSQL", service="postgresql@15-main.service")
systemd.service(
    name="PostgreSQL runs its guests", service="postgresql@15-main.service", reloaded=True,
    _if=lambda: not settings.did_change() and (guests.did_change() or users.did_change()),
)
postgres.role(name="the app's role", role="citrino_user", _su_user="postgres")
postgres.database(
    name="the app's database", database="citrino_prod", owner="citrino_user", encoding="UTF8", template="template0",
    _su_user="postgres",
)
extensions(name="extensions", names=["postgis", "postgis_topology"], database="citrino_prod", _su_user="postgres")

# nginx
directory("/var/www/citrino")
put("/var/www/citrino/robots.txt")
put("/var/www/citrino/50x.html")
proxy = put("/etc/nginx/nginx.conf")
systemd.service(name="nginx", service="nginx.service", enabled=True)
systemd.service(
    name="nginx runs what is on disk", service="nginx.service", reloaded=True,
    _if=proxy.did_change,
)

# app
server.group(name="the app's group", group="citrino", system=True)
server.user(
    name="the app's user", user="citrino", group="citrino", home="/home/citrino", shell="/usr/sbin/nologin",
    system=True, ensure_home=False,
)
server.group(name="the group for trials", group="citrino-trial", system=True)
server.user(
    name="the user for trials", user="citrino-trial", group="citrino-trial", home="/nonexistent", shell="/usr/sbin/nologin",
    system=True, ensure_home=False,
)
directory("/home/citrino", "citrino")
directory("/home/citrino/citrino")
directory("/home/citrino/citrino/releases")
directory("/home/citrino/citrino/slots")
directory("/home/citrino/database")
directory("/home/citrino/database/backups", "root", "700")
files.link(name="logs", path="/home/citrino/database/logs", target="/var/log/postgresql")
files.link(name="nginx's folder", path="/home/citrino/nginx", target="/etc/nginx")
put("/home/citrino/citrino/.env", mode="600")
put("/etc/citrino/app.yml")
put("/etc/tmpfiles.d/citrino.conf")
server.shell(
    name="the folders for sockets", commands=["systemd-tmpfiles --create /etc/tmpfiles.d/citrino.conf"],
    _if=lambda: host.get_fact(Directory, "/run/citrino/green") is None,
)
put("/etc/systemd/system/citrino@.service")
put("/etc/citrino/profile.json")

# backup
put("/etc/citrino/backup.json", mode="600")
directory("/home/citrino/scripts")
put("/home/citrino/scripts/backup.sh", mode="755")
TIMERS = ["citrino-backup", "citrino-drill"]
units = [put(f"/etc/systemd/system/{name}.{kind}") for name in TIMERS for kind in ("service", "timer")]
systemd.daemon_reload(name="systemd knows them", _if=lambda: any(unit.did_change() for unit in units))
for name in TIMERS:
    systemd.service(name=f"{name}.timer", service=f"{name}.timer", enabled=True)
