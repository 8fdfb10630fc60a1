"""Prints as JSON what the playbooks want of the bench's stack: paths by kind of task, and packages.

Runs in the peers' virtual environment, which has readers of YAML and of the playbooks' expressions (Jinja; Tera's are the same here)."""

import json
import pathlib

import jinja2
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# The bench's stack, as `when:` and paths see it. A name that is not here ends the bench.
STACK = {
    "profile": yaml.safe_load((ROOT / "templates/app/profile.yml").read_text()),
    # A peer's host is reached with a key of the peers, which the operator's file would take away.
    "ssh_keys": [],
    "secrets": {},
    "backup": {"pitr": False, "s3": False},
    "volume": None,
    "https": False,
    "tls": {"issuer": "none"},
    "facts": {"os": {"id": "debian"}, "virt": "systemd-nspawn"},
}
EXPRESSIONS = jinja2.Environment(undefined=jinja2.StrictUndefined)


def read(name):
    return yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())


def steps():
    """Each step that the bench's stack has."""
    for entry in read("site"):
        for step in read(entry if isinstance(entry, str) else entry["name"]):
            if EXPRESSIONS.compile_expression(str(step.get("when", True)), undefined_to_none=False)(**STACK):
                yield step


def main():
    paths, packages = [], []
    for step in steps():
        for kind in ("file", "directory", "link"):
            if kind in step:
                paths.append([kind, EXPRESSIONS.from_string(step[kind]["path"]).render(**STACK)])
        packages += step.get("package", {}).get("install", [])
    print(json.dumps({"paths": paths, "packages": packages}))


if __name__ == "__main__":
    main()
