# City Points Ledger. Needs Python 3.11 or newer with venv, and make; everything else is installed into .venv.
#
#   make run      the service with a demo city and its sign-ins on http://127.0.0.1:8000; PORT and CITYPOINTS_DATA are honoured
#   make test     the whole test suite; ARGS="-k name" goes to pytest; brings Chromium where there is none
#   make check    format, lint, types, import directions
#   make format   put the format right
#   make bench    the table of speeds; QUICK=1 for a short one, LONG=1 for hours; ROWS="posting http" for some
#   make load     load tests that prove the promises; LONG=1 for an hour of it, with a picture
#   make lock     take the newest versions of all dependencies that work together

SHELL := /bin/sh
.DELETE_ON_ERROR:
# Two installations at once would get into each other's way.
.NOTPARALLEL:
.PHONY: run test check format bench load lock

# The first of these that is new enough; PYTHON=... chooses another.
PYTHONS := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for python in $(PYTHONS); do \
	"$$python" $(IS_NEW_ENOUGH) 2>/dev/null && echo "$$python" && break; done)

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --only-binary :all:
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-header --no-emit-index-url --no-emit-find-links --quiet

run: .venv/ready
	exec $(BIN)/citypoints serve --demo

# Without a browser the other tests still run, and those that need it fail.
test: .venv/ready .venv/ready-for-development
	@$(BIN)/python -m tests.browser.chromium || echo "The tests in tests/browser will fail." >&2
	$(BIN)/python -m pytest --numprocesses=auto $(ARGS)

check: .venv/ready .venv/ready-for-development
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/ready .venv/ready-for-development
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: .venv/ready .venv/ready-for-development
	$(BIN)/python -m loadtests.bench

load: .venv/ready .venv/ready-for-development
	$(BIN)/python -m loadtests.load $(ARGS)

lock: .venv/ready .venv/ready-for-development
	$(LOCK) --output-file requirements.lock
	$(LOCK) --extra dev --constraint requirements.lock --output-file requirements-dev.lock

# Each of these files is made last, so what was cut short is made anew; --clear also forgets what a lock has dropped.
.venv/locked: requirements.lock
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is wanted, and none of these is: $(PYTHONS). Say PYTHON=/path/to/python." >&2; exit 1; fi
	@"$(PYTHON)" $(IS_NEW_ENOUGH) || { \
		echo "PYTHON is $(PYTHON), which is older than 3.11 or does not run; wanted is 3.11 or newer." >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv; the first time takes a minute."
	@"$(PYTHON)" -m venv --clear .venv
	@$(INSTALL) --require-hashes --requirement requirements.lock
	@touch $@

.venv/ready: .venv/locked pyproject.toml
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/ready-for-development: .venv/locked requirements-dev.lock
	@echo "Installing the locked tools for development into .venv."
	@$(INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@
