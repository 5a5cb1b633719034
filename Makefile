# Every target sets up its own virtual environment when there is none, from the hashed locks, with plain pip.
# Chatter of the set-up goes to stderr: stdout belongs to the command.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
INSTALL := $(PIP) install -q --no-compile
RUN    := $(VENV)/.stamp-run
DEV    := $(VENV)/.stamp-dev
UV     := 0.13.9
WORKERS ?= 4# most tests wait for a peer or a clock: more of them than cores
TESTS  ?= tests/unit tests/property tests/integration tests/e2e

.PHONY: help demo test check bench setup lock proto clean soak

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: $(RUN) ## simulated plants, a gateway each, the centre, the console; DEMO_SECONDS=40 ends by itself
	@exec $(BIN)/yujing-sim demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

test: $(DEV) ## unit, property, integration and end-to-end tests, the quick ones first
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not alone" $(TESTS)
	@$(BIN)/python -m pytest -m alone $(TESTS)

check: $(DEV) ## format, lint, types, import contracts, generated files, unit and property tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.generate --check
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile tests/unit tests/property

bench: $(DEV) ## ratios against named peers in the same run, JSON lines; SECTION=acquisition for one
	@$(BIN)/python -m tests.bench $(SECTION)

soak: $(DEV) ## campaigns of a million reads a wire, and cuts: hours; SECTION=acquisition SOAK="--reads 100000"
	@$(BIN)/python -m tests.soak $(or $(SECTION),acquisition) $(SOAK)

setup: $(DEV) ## virtual environment with everything for development; pre-commit hooks where pre-commit is there
	@if command -v pre-commit >/dev/null && [ -d .git ]; then pre-commit install >&2; fi

proto: $(DEV) ## regenerate what is generated: protobuf code, schemas, lists and tables
	@$(BIN)/python -m tests.generate

lock: ## compile both lock files; no index host gets into them
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) >&2
	@test -x $(BIN)/uv || $(INSTALL) uv==$(UV) >&2
	@compile() { env -u UV_FIND_LINKS -u PIP_FIND_LINKS $(BIN)/uv pip compile -q --universal --python-version 3.11 \
	  --generate-hashes --exclude-newer "7 days" --custom-compile-command "make lock" --group build "$$@"; } ; \
	compile pyproject.toml -o requirements.lock >/dev/null ; \
	compile pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock >/dev/null

clean: ## remove the virtual environment, the demo's state and every cache
	@rm -rf $(VENV) build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "yujing needs Python 3.11 or newer; '$(PYTHON)' is not. Say: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >&2 || \
	  { rm -rf $(VENV); echo "'$(PYTHON) -m venv' failed: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }

# The development environment holds the run-time one: whoever has it needs nothing more.
$(RUN): requirements.lock pyproject.toml | $(BIN)/python
	@if [ -e $(DEV) ]; then $(MAKE) $(DEV); else \
	  echo "setting up $(VENV) from requirements.lock …" >&2 ; \
	  $(INSTALL) --require-hashes -r requirements.lock >&2 ; \
	  $(INSTALL) --no-deps --no-build-isolation -e . >&2 ; fi
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV) from requirements-dev.lock …" >&2
	@$(INSTALL) --require-hashes -r requirements-dev.lock >&2
	@$(INSTALL) --no-deps --no-build-isolation -e . >&2
	@touch $(RUN) $@
