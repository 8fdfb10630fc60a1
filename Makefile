BIN = target/x86_64-unknown-linux-gnu/release

.PHONY: demo demo-down build test test-hosts test-data test-others cuts fast check audit bench-app bench-backup bench-converge bench-deploy tools

demo: tools build ## from nothing to a server that serves, on real machines of the lab
	$(BIN)/citrino-lab up
	$(BIN)/citrino-ops -c examples/lab/citrino.yml up --yes

demo-down: ## takes the lab away; only the image stays in its cache
	$(BIN)/citrino-lab down

build:
	cargo build --release --workspace --locked

test: tools check ## everything, the host ring on the lab's machines included; it mostly waits, so the others run beside it
	cargo test --workspace --locked --no-run
	$(MAKE) --no-print-directory -j3 --output-sync=target test-hosts test-data test-others

# The host ring in two halves, each on a lab of its own: what is about data, and all the rest.
DATA = backups:: backup_faults:: import:: offsite:: pitr:: rescue::

test-hosts:
	cargo test --locked --test host -- $(DATA:%=--skip %)

test-data:
	CITRINO_HOST_RING=data cargo test --locked --test host -- $(DATA)

# All that `tests` has but the host ring.
OTHERS = $(filter-out host,$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

test-others:
	cargo test --workspace --exclude citrino-ops --locked
	cargo test --locked --lib --bins $(OTHERS:%=--test %)

cuts: tools ## kills and cuts a deploy and a rollback everywhere; the ring of `make test` does so in every eleventh place
	cargo build --workspace --locked
	CITRINO_EVERY_CUT=1 cargo test --locked --test host -- --nocapture cuts::

fast: ## what needs neither root nor a database
	cargo test --locked --lib --test audit --test cli --test tasks --test papers --test migrations

check: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

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
