BIN = target/x86_64-unknown-linux-gnu/release

.PHONY: demo demo-down build test test-hosts test-data test-rescue test-change test-others cuts fast check audit bench-app bench-backup bench-converge bench-deploy tools

demo: tools build ## from nothing to a server that serves, on real machines of the lab
	$(BIN)/citrino-lab up
	$(BIN)/citrino-ops -c examples/lab/citrino.yml up --yes

demo-down: ## takes the lab away; only the image stays in its cache
	$(BIN)/citrino-lab down

build:
	cargo build --release --workspace --locked

test: tools check ## everything, the host ring on the lab's machines included; it mostly waits, so the others run beside it
	$(TEST) --no-run --lib --bins --test '*'
	$(MAKE) --no-print-directory -j5 --output-sync=target test-hosts test-data test-rescue test-change test-others

# Each with the features of the whole workspace, so that nothing is built twice.
TEST = cargo test --workspace --locked

# The host ring in four parts, each on a lab of its own: what is about backups, what brings data from elsewhere, what changes a host that
# serves, and the rest.
# Its tests take turns at one stack; one thread gives them the same order each time.
RING = $(TEST) --test host -- --test-threads=1
DATA = backups:: backup_faults:: offsite:: pitr::
RESCUE = import:: rescue:: strangers::
CHANGE = deploy:: faults::whatever guard:: rebirth:: rehearsal:: rollback::

test-hosts:
	$(RING) $(addprefix --skip ,$(DATA) $(RESCUE) $(CHANGE))

test-data:
	CITRINO_HOST_RING=data $(RING) $(DATA)

test-rescue:
	CITRINO_HOST_RING=rescue $(RING) $(RESCUE)

test-change:
	CITRINO_HOST_RING=change $(RING) $(CHANGE)

# Cargo.toml leaves the host ring out of what is tested without a name.
test-others:
	$(TEST)

cuts: tools ## kills and cuts a deploy and a rollback everywhere; the ring of `make test` does so in every eleventh place
	$(TEST) --no-run --bins --test host
	CITRINO_EVERY_CUT=1 $(RING) --nocapture cuts::

fast: ## what needs neither root nor a database
	cargo test --locked --lib --test audit --test cli --test tasks --test layers --test papers --test migrations

check: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --workspace --test host --locked -- -D warnings

audit: ## licences, sources and advisories of the dependencies; needs cargo-deny and the internet
	cargo deny check

bench-converge: tools build ## against Ansible and pyinfra, on hosts of the lab
	./bench/converge/run

bench-app: tools ## the app against Flask and Gunicorn, and against PostgreSQL alone
	./bench/app/run

bench-backup: tools build ## a backup and its restore, against pg_dump | gzip and pgBackRest, on a host of the lab
	./bench/backup/run

bench-deploy: tools build ## deploys under load, against restart and reload, on a host of the lab
	./bench/deploy/run

tools:
	./lab/tools
