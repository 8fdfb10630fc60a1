# What lab/tools installs of cargo's subcommands.
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

.PHONY: alerts audit-host hardening certificates monitoring demo demo-down build test test-host test-long cuts fast check audit docs dist coverage takeover hetzner-walk neighbours planted settings memory bench-short bench-app bench-backup bench-converge bench-deploy bench-recommend tools test-tools fuzz

demo: ## from nothing to a live site, on real machines of the lab
	@./lab/demo

demo-down: ## takes the lab away; only the image stays in its cache
	target/x86_64-unknown-linux-gnu/demo/citrino-lab down

build:
	cargo build --release --workspace --locked

# .config/nextest.toml says what runs side by side.
NEXTEST = cargo nextest run --workspace --locked
# Tests that lack what they need write why into this file; with CITRINO_REQUIRE_ALL they fail instead.
export CITRINO_SKIPPED = $(CURDIR)/target/skipped.txt
define run-tests
	@rm -f $(CITRINO_SKIPPED)
	$(1); ended=$$?; [ ! -e $(CITRINO_SKIPPED) ] || sort $(CITRINO_SKIPPED) | uniq -c; exit $$ended
endef

test: ## everything but what `make test-long` has, the host ring on the lab's machines included
	@echo "On 2 processors: packages 1 to 2 minutes and the machine image 1 minute (the first time), formatting and lints 2,"
	@echo "building the tests 8 (the first time), the tests 35; cargo and each test tell how far it is."
	@$(MAKE) --no-print-directory test-tools check
	$(call run-tests,$(NEXTEST))

test-host: test-tools ## the host ring alone
	$(call run-tests,$(NEXTEST) -E 'binary_id(citrino-ops::host)')

takeover: test-tools ## a host that an earlier version has brought up; builds that version first, from git's history
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^takeover::/)')

neighbours: test-tools ## a host that was there before keeps its other site and cluster, and is asked about them
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^neighbours::/)')

certificates: test-tools ## a host whose certificate an ACME server issues: before its name leads there, and renewed under load
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^certificates::/)')

monitoring: test-tools ## a Prometheus on another machine reads the figures of a host, and is alerted when it is away
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^monitoring::/)')

planted: test-tools ## the app's role lays traps in its database, and every verb and timer walks past them
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^planted::/)')

alerts: test-tools ## five kinds of failure and their recovery are told over a real mail server, once each, also when it was away
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^alerts::/)')

hardening: test-tools ## who tries to log in again and again is kept out, the operator is not, and a reboot that waits is set for the night
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^posture::/)')

audit-host: test-tools ## the same, and what lynis, ssh-audit, testssl.sh and systemd-analyze say of the host before and after (docs/security.md); installs testssl.sh
	./lab/tools audit
	CITRINO_AUDIT=1 $(NEXTEST) --ignore-default-filter --no-capture -E 'binary_id(citrino-ops::host) & test(/^posture::/)'

hetzner-walk: test-tools ## random walks of every cloud verb, past faults of the API and what others change: 2048 of each quarter
	PROPTEST_CASES=2048 cargo nextest run --workspace --locked -E 'binary_id(citrino-ops::hetzner) & test(/^wanderings::/)'

memory: test-tools ## a minute each: the app's answers from memory against those of the database, and whether writers find what they wrote
	CITRINO_MEMORY_SECONDS=60 cargo nextest run --workspace --locked --no-capture -E 'test(/^memory::/)'

settings: test-tools ## twenty changed settings of the app under load
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::host) & test(/^consequences::twenty/)')

test-long: test-tools cuts bench-short takeover planted neighbours certificates monitoring settings alerts hardening memory ## what takes too long for each change: every cut, a short form of each benchmark, a takeover, traps for every verb, long random walks
	PROPTEST_CASES=1024 cargo nextest run --workspace --locked -E 'test(/wanderings::/) | package(citrino-ops) & kind(lib)'

cuts: test-tools ## kills and cuts everywhere what `make test` kills and cuts in some places: a deploy, a rollback, the calls of a provision, those to an issuer of certificates
	CITRINO_EVERY_CUT=1 $(NEXTEST) -E '(binary_id(citrino-ops::host) & test(/^(cuts|attacks_paths)::/)) | (binary_id(citrino-ops::hetzner) & test(/^(faults::each_call|kills::a_kill_at_any)/)) | (binary_id(citrino-ops::certificates) & test(/^spoiled::/))'

CASES ?= 2048
fuzz: test-tools ## generated input for every parser and for the operator's side of a connection; CASES=20000 for longer
	PROPTEST_CASES=$(CASES) $(NEXTEST) -E 'package(citrino-ops) & (kind(lib) | binary(fuzz) | binary(lying_host))'

fast: ## what needs neither root nor a database
	cargo test --locked --lib --test audit --test cli --test tasks --test layers --test papers --test migrations --test fuzz

check: ## formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

audit: ## licences, sources and advisories of the dependencies; needs cargo-deny and the internet
	cargo deny check

docs: ## the code's own documentation, where a warning is an error, and the handbook as a site in target/handbook; installs mdbook
	./lab/tools book
	mdbook build docs/handbook/en
	mdbook build docs/handbook/es
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked

dist: ## a static tarball, a Debian package, a list of its parts and checksums, in target/dist; installs cargo-sbom and lintian where they are missing
	./lab/tools dist
	./packaging/dist
	lintian --fail-on error --allow-root --no-tag-display-limit target/dist/*.deb

coverage: ## lines that tests without machines reach; installs cargo-llvm-cov and LLVM's tools where they are missing
	./lab/tools tests coverage
	./lab/coverage

bench-short: test-tools ## whether each benchmark still works, in minutes; what it measures says nothing
	$(call run-tests,$(NEXTEST) --ignore-default-filter -E 'binary_id(citrino-ops::benches)')

bench-converge: test-tools build ## against Ansible and pyinfra, on hosts of the lab
	./bench/converge/run

bench-app: test-tools ## the app against Flask and Gunicorn, and against PostgreSQL alone
	./bench/app/run

bench-backup: test-tools build ## a backup and its restore, against pg_dump | gzip and pgBackRest, on a host of the lab
	./bench/backup/run

bench-deploy: test-tools build ## deploys under load, against restart and reload, on a host of the lab
	./bench/deploy/run

bench-recommend: test-tools ## recommendations among 100,000 properties
	./bench/recommend/run

tools:
	./lab/tools

test-tools:
	./lab/tools tests
