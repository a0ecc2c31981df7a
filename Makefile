# The commands of this project. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python of 3.11 or later that really starts (a version manager's shim may not).
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
MINISTACK_VENV := .venv-ministack
CHECKS_VENV := .venv-checks
FUZZ_VENV := .venv-fuzz
BIN := $(VENV)/bin
STACK ?= gpu
TESTS ?= tests
# Three files at a time for two processors, the longest first as tests/e2e/conftest.py has it: two of
# the workers begin with the end-to-end files, which wait more than they work (tests/conftest.py).
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder

# A stamp names the lock it was made from, so that a changed lock makes a new environment.
digest = $(shell cat $(1) | cksum | cut -d' ' -f1)
DEV_STAMP := $(VENV)/.made-from-$(call digest,requirements/dev.txt)
MINISTACK_STAMP := $(MINISTACK_VENV)/.made-from-$(call digest,requirements/ministack.txt)
CHECKS_STAMP := $(CHECKS_VENV)/.made-from-$(call digest,requirements/checks.txt)
FUZZ_STAMP := $(FUZZ_VENV)/.made-from-$(call digest,requirements/fuzz.txt)

.PHONY: help run test check lint types build build-native validate bench deploy lock install \
	install-ministack clean picture team sim wire teeth points model races load load-emulated

help: ## Show this help
	@echo "Two commands are enough:  make run  (try it, no AWS account needed)  ·  make test"
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install install-ministack ## Run everything on this machine: AWS and Slack stand-ins, and a page to type in
	@exec $(BIN)/python -m sandbox

test: install install-ministack ## Run all tests (TESTS=tests/core PYTEST_ARGS=-x narrow it)
	@$(BIN)/python -m pytest $(TESTS) $(PYTEST_ARGS)

check: ## Everything that must hold before a merge: format, lint, types, template, tests
	@$(MAKE) -j2 lint types validate install-ministack
	@$(MAKE) test

lint: install ## Format and lint, without changing anything
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: install ## mypy --strict over the product, the stand-ins and the tests
	@$(BIN)/mypy

validate: install install-checks ## Look at template.yaml with cfn-lint and checkov, raw and transformed
	@$(BIN)/cfn-lint template.yaml
	@mkdir -p .aws-sam && PYTHONPATH=src:. $(BIN)/python -m sim.roles > .aws-sam/transformed.json
	@$(CHECKS_VENV)/bin/checkov --config-file .checkov.yaml \
		-f template.yaml -f .aws-sam/transformed.json

.PHONY: audit iam iam-cross install-checks
audit: install-checks ## Look up known holes in what ships (needs PyPI's advisories, fails without)
	@$(CHECKS_VENV)/bin/pip-audit --strict --require-hashes --disable-pip --desc on \
		-r src/requirements.txt || { \
		echo "Not audited, or not clean. What could not be looked up counts as not audited: the"; \
		echo "package index in use here may have no advisories; pypi.org has."; exit 1; }

iam: install ## Show what each function asks IAM for, and which statement allows it
	@PYTHONPATH=src:. $(BIN)/python -m sim.errands

iam-cross: install ## Have another tool decide all that the IAM tests ask (needs Node)
	@command -v npm >/dev/null || { \
		echo "Node is missing (nodejs.org has it): nothing was compared."; exit 1; }
	@mkdir -p .aws-sam/cross
	@IAM_ASKED=$(CURDIR)/.aws-sam/cross/asked.jsonl $(BIN)/python -m pytest -q \
		tests/iam/test_rights.py tests/iam/test_denies.py
	@npm install --silent --no-save --prefix .aws-sam/cross @cloud-copilot/iam-simulate@0.1.173
	@cp scripts/iam_cross.mjs .aws-sam/cross/
	@node .aws-sam/cross/iam_cross.mjs .aws-sam/cross/asked.jsonl

build: install ## Leave the deployable app in .aws-sam/build, as `sam build` does
	@$(BIN)/python scripts/build.py

build-native: install ## The same for this machine's own Python: what the local run deploys
	@$(BIN)/python scripts/build.py --native

bench: install ## Measure the door against Bolt's own pattern, as ratios of one run
	@$(BIN)/python -m bench

load: install ## What happens when much comes at once, in simulated time (some minutes)
	@PYTHONPATH=src:. $(BIN)/python -m bench.load
	@PYTHONPATH=src:. $(BIN)/python -m bench.load --fleet

MACHINES ?= 100
BACKLOG ?= 1000
load-emulated: install install-ministack ## The same over HTTP against the real template (MACHINES=20 BACKLOG=0 is quicker)
	@PYTHONPATH=src:. $(BIN)/python -m bench.load --emulated --machines $(MACHINES) --backlog $(BACKLOG)

PEOPLE ?= 50
DAYS ?= 30
team: install ## Let a team live in the simulated world and count what it cost (PEOPLE=8 DAYS=3)
	@PYTHONPATH=src:. $(BIN)/python -m sim.team --people $(PEOPLE) --days $(DAYS)

teeth: install ## Take out one safeguard at a time and see whether a test fails (KIND=guard)
	@$(BIN)/python scripts/teeth.py $(if $(KIND),--kind $(KIND))

SHARE ?= 0.125
wire: install install-ministack ## Three people behind a bad network, end to end (SEED=5 SHARE=0.3)
	@WIRE_SEED=$(or $(SEED),11) WIRE_SHARE=$(SHARE) $(BIN)/python -m pytest tests/e2e/test_bad_network.py -s

SEEDS ?= 1000
sim: install ## Play random histories and look at every promise (SEEDS=1000, SEEDS=4000-5000 or SEED=4711)
	@PYTHONPATH=src:. $(BIN)/python -m sim.history $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

STORY ?=
EVERY ?= 1
PAIRS ?=
TRIPLES ?=
points: install ## Strike every story at every call by every fault (STORY= EVERY= PAIRS=1 TRIPLES= SEED=)
	@PYTHONPATH=src:. $(BIN)/python -m sim.all_points --every $(EVERY) --seed $(or $(SEED),1) \
		$(if $(STORY),--story $(STORY)) $(if $(PAIRS),--pairs) $(if $(TRIPLES),--triples $(TRIPLES))

ROUNDS ?= 1000
MANY ?= 50
races: install ## Many launches at once for the last money (ROUNDS= MANY=), then two functions at one machine
	@PYTHONPATH=src:. $(BIN)/python -m sim.turns --rounds $(ROUNDS) --many $(MANY)
	@PYTHONPATH=src:. $(BIN)/python -m sim.turns --meet --every $(EVERY)

model: install ## Search every order of one launch over the product's own code, and without each rule
	@PYTHONPATH=src:. $(BIN)/python -m sim.model

picture: install install-ministack ## Make the README's picture from a local run (needs a Chromium)
	@$(BIN)/python scripts/picture.py

deploy: build ## Deploy to your AWS account (needs the SAM CLI and credentials; asks the first time)
	@command -v sam >/dev/null || { echo "The SAM CLI is missing: see docs/deploy.md"; exit 1; }
	@$(BIN)/python scripts/deploy.py

RUNS ?= 1000000
.PHONY: fuzz install-fuzz
fuzz: install install-fuzz ## Throw mutated requests at the door, guided by coverage (RUNS=20000 SEED=7)
	@PYTHONPATH=src:.:$(FUZZ_VENV) $(BIN)/python -m fuzz --runs $(RUNS) --seed $(or $(SEED),1) --guided

lock: install ## Renew the locked requirements (needs the package index)
	@$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --python-version 3.13 \
		--python-platform aarch64-manylinux2014 src/requirements.in -o src/requirements.txt
	@for set in dev ministack fuzz checks; do \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url \
			--no-emit-find-links --custom-compile-command "make lock" --universal \
			--python-version 3.11 requirements/$$set.in -o requirements/$$set.txt; done

install: $(DEV_STAMP)

install-ministack: $(MINISTACK_STAMP)

install-checks: $(CHECKS_STAMP)

install-fuzz: $(FUZZ_STAMP)

$(DEV_STAMP): | requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed, and none was found."; exit 1; }
	@if test -x $(BIN)/python && $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))'; \
		then :; else rm -rf $(VENV); $(PYTHON) -m venv $(VENV); fi
	@echo "Installing what this project needs into $(VENV) …"
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --no-input --require-hashes \
		--no-deps -r requirements/dev.txt
	@rm -f $(VENV)/.made-from-* && touch $@

# MiniStack runs the functions with its own interpreter, so it gets the one of $(VENV).
$(MINISTACK_STAMP): $(DEV_STAMP) | requirements/ministack.txt
	@$(BIN)/python -c 'import pathlib, sys; home = pathlib.Path("$(MINISTACK_VENV)"); \
		sys.exit(not (home / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}").is_dir())' \
		|| { rm -rf $(MINISTACK_VENV); $(BIN)/python -m venv $(MINISTACK_VENV); }
	@echo "Installing the local AWS into $(MINISTACK_VENV) …"
	@$(MINISTACK_VENV)/bin/python -m pip --disable-pip-version-check install -qq --no-input \
		--require-hashes --no-deps -r requirements/ministack.txt
	@rm -f $(MINISTACK_VENV)/.made-from-* && touch $@

# Beside .venv and not in it, because nothing else needs it. Where there is no wheel of it for this
# Python, `make fuzz` says so and goes on without.
$(FUZZ_STAMP): $(DEV_STAMP) | requirements/fuzz.txt
	@rm -rf $(FUZZ_VENV) && mkdir -p $(FUZZ_VENV)
	@echo "Installing the guided fuzzer into $(FUZZ_VENV) …"
	@$(BIN)/python -m pip --disable-pip-version-check install -qq --no-input --require-hashes \
		--no-deps --only-binary=:all: --target $(FUZZ_VENV) -r requirements/fuzz.txt && touch $@ \
		|| echo "It cannot be installed for this Python."

# Checkov pins another boto3 than the app's, so it has an environment of its own.
$(CHECKS_STAMP): $(DEV_STAMP) | requirements/checks.txt
	@test -x $(CHECKS_VENV)/bin/python || $(BIN)/python -m venv $(CHECKS_VENV)
	@echo "Installing what checks the template and the locks into $(CHECKS_VENV) …"
	@$(CHECKS_VENV)/bin/python -m pip --disable-pip-version-check install -qq --no-input \
		--require-hashes --no-deps -r requirements/checks.txt
	@rm -f $(CHECKS_VENV)/.made-from-* && touch $@

clean: ## Remove everything that was built or installed
	rm -rf $(VENV) $(MINISTACK_VENV) $(CHECKS_VENV) $(FUZZ_VENV) .fuzz .aws-sam .sandbox .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
