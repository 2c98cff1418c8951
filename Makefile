# Everything runs in an environment of its own, .venv, and keeps its data in .run.

PYTHON := $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export XDG_DATA_HOME := $(CURDIR)/.run
# The tests start hundreds of processes: without bytecode each would compile all modules once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint docs bench soak mutants clean

demo: .venv/ready
	$(BIN)/simpleflow standalone --domain TestDomain examples.basic.BasicWorkflow --input '[1, 1]'
	$(BIN)/simpleflow standalone --domain TestDomain examples.source_stats.SourceStats

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak"

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/ready-docs
	$(BIN)/python -m sphinx -E -W --keep-going -n -q docs build/docs
	@echo "the first page: build/docs/index.html"

bench: .venv/ready-dev
	$(BIN)/python -m benchmarks

soak: .venv/ready-dev
	$(BIN)/python -m pytest -m soak

mutants: .venv/ready-dev
	$(BIN)/python tools/mutants.py

clean:
	rm -rf .venv .run build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/ready: pyproject.toml | .venv
	$(PIP) install --editable .
	@touch $@

.venv/ready-dev: pyproject.toml | .venv
	$(PIP) install --editable '.[dev]'
	@touch $@ .venv/ready

.venv/ready-docs: pyproject.toml | .venv
	$(PIP) install --editable '.[docs]'
	@touch $@ .venv/ready

.venv:
	@test -n "$(PYTHON)" || { echo "simpleflow needs Python 3.11 or newer, and found none" >&2; exit 1; }
	$(PYTHON) -m venv $@
