# Two commands for everybody: `make demo` shows what the library does, `make test` checks it all.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
INSTALL := $(PIP) install --quiet --constraint $(CONSTRAINTS)

.DEFAULT_GOAL := help
.PHONY: help demo test test-oldest test-slow test-kernels lint types docs clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

demo: $(VENV)/.demo  ## forecast demand and recommend items from the bundled grocery data
	$(BIN)/sklearn-tsrec demo --out demo-output

test: $(VENV)/.test  ## run everything that must hold (tests and doctests)
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 NUMBA_CACHE_DIR=$(abspath $(VENV))/numba $(BIN)/python -m pytest -q -n auto

test-oldest:  ## run the same with the oldest versions that pyproject.toml allows
	$(MAKE) test VENV=$(VENV)-oldest CONSTRAINTS=constraints-oldest.txt

test-slow: $(VENV)/.test  ## run what takes minutes: long runs, exports, sktime's whole conformance suite
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 NUMBA_CACHE_DIR=$(abspath $(VENV))/numba $(BIN)/python -m pytest -q -n auto -m slow

test-kernels: $(VENV)/.test  ## run numeric tests under the kernels of other processors; SHORT=1 under two of them
	OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 NUMBA_CACHE_DIR=$(abspath $(VENV))/numba $(BIN)/python -m tests.kernels $(if $(SHORT),--short)

lint: $(VENV)/.test  ## check style and spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(VENV)/.types  ## check the types of the package, and of programs as users write them
	$(BIN)/pyright --pythonpath $(abspath $(BIN))/python
	$(BIN)/pyright --pythonpath $(abspath $(BIN))/python --project tests/typing

docs: $(VENV)/.docs  ## build the documentation into docs/_build/html
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

clean:  ## remove the environment and everything that was built
	rm -rf $(VENV) $(VENV)-oldest build dist *.egg-info docs/_build docs/auto_examples docs/generated demo-output

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sklearn-tsrec needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --upgrade pip

$(VENV)/.demo: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(INSTALL) --editable '.[plot]'
	touch $@

$(VENV)/.test: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(INSTALL) --editable '.[all,polars,test]'
	touch $@ $(VENV)/.demo

$(VENV)/.types: pyproject.toml $(CONSTRAINTS) | $(VENV)/.test
	$(INSTALL) --editable '.[types]'
	touch $@

$(VENV)/.docs: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(INSTALL) --editable '.[docs]'
	touch $@
