# Two commands do everything: `make run` and `make test`.
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin

.PHONY: run stop test setup lint types unit servers chaos hostile mutants lock release clean

setup: $(VENV)/.ready

LOCKS := requirements.lock requirements-dask.lock requirements-dev.lock

$(VENV)/.ready: pyproject.toml $(LOCKS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "VanVault needs Python 3.11 or newer; set PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(LOCKS:%=--requirement %)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# A two-site appliance under ./var with sample data; the server keeps running (make stop ends it).
run: setup
	@scripts/demo $(BIN)

stop:
	@scripts/demo $(BIN) stop

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

# Tests wait much for servers and disks, so there is one process more than cores (tests/support/sharing_out.py).
PROCESSES ?= $(shell echo $$(( $$(nproc) < 5 ? $$(nproc) + 1 : 6 )))
unit: setup
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadgroup

servers: setup
	$(BIN)/python -m tests.servers.install

# Faults against whole clusters: make chaos RUNS=3 SEED=7, or RUNS=200 MODE=memory; FIRST=2 RUNS=1 repeats one.
RUNS ?= 3
SEED ?= 1
FIRST ?= 1
SECONDS_OF_LOAD ?= 20
MODE ?=
chaos: setup
	$(if $(filter memory,$(MODE)),,$(BIN)/python -m tests.servers.install)
	@$(BIN)/python -m tests.faults.chaos.run --runs $(RUNS) --seed $(SEED) --first $(FIRST) \
	  --seconds $(SECONDS_OF_LOAD) $(if $(MODE),--mode $(MODE))

# A site in hostile hands: make hostile RUNS=20 SEED=7; FIRST=2 RUNS=1 repeats one. Buckets too, if MinIO is built.
hostile: setup
	@$(BIN)/python -m tests.faults.hostile.run --runs $(RUNS) --seed $(SEED) --first $(FIRST)

# Do the tests notice small bugs (tests/mutants)? make mutants ROOM=archiver/stores, or ONLY=put-data-unsynced.
ROOM ?=
ONLY ?=
mutants: setup
	@$(BIN)/python -m tests.mutants.run $(if $(ROOM),--room $(ROOM)) $(if $(ONLY),--only $(ONLY))

test: lint types servers unit

# After a change in pyproject.toml; UPGRADE=1 takes the newest versions.
UPGRADE ?=
lock: setup
	$(BIN)/python scripts/lock $(if $(UPGRADE),--upgrade)

# Wheel, sdist, lock files, SBOM and SHA256SUMS of the last commit, in an empty folder.
RELEASE ?= dist
release: setup
	$(BIN)/python scripts/release $(RELEASE)

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
