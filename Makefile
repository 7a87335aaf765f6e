# Every target sets up what it needs by itself, in .venv, from a Python 3.11 or newer; a second run finds it done.

PYTHON ?= python3
ARGS ?=
# Processes that run tests: one for each processor, and up to four. 0: all in one, as pytest does by itself.
WORKERS ?= auto

# Tests start hundreds of processes, and each of them would compile the library where bytecode is not kept.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Stamps live inside the venv: who deletes it, deletes them.
MADE := $(VENV)/.made
PLAIN := $(VENV)/.plain
DEV := $(VENV)/.dev
BENCH := $(VENV)/.bench
# The oldest apsw that pyproject.toml allows, beside the newest: each brings its own SQLite.
OLDEST := $(VENV)/oldest
APSW = $(shell sed -n 's/.*"apsw>=\([0-9.]*\)".*/\1/p' pyproject.toml)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help demo helpdesk test lint format bench docs clean

help: ## Show this list
	@echo 'Usage: make TARGET [ARGS="..."] [PYTHON=python3.12]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(PLAIN) ## Import this project's own Git history and look at it
	@$(BIN)/python scripts/demo.py $(ARGS)

helpdesk: $(PLAIN) ## Start an example application at http://127.0.0.1:8000; ARGS=postgresql://ann@localhost/helpdesk
	@$(BIN)/python -m examples.helpdesk '$(or $(ARGS),helpdesk.db)'

test: $(DEV) ## Run the tests; ARGS="-k words", ARGS=--long for the long reliability runs, WORKERS=0 for one process
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 4 --dist worksteal $(ARGS)

lint: $(DEV) ## Check style, format, types (mypy and pyright), the layers, and the generated async verbs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright --project pyproject.toml
	$(BIN)/lint-imports
	$(BIN)/python scripts/async_face.py --check

format: $(DEV) ## Format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: $(BENCH) ## Measure against the peers in the same run; ARGS=--help for what it takes
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(DEV) ## Run every code block of the README and the docs
	$(BIN)/python -m pytest tests/test_docs.py $(ARGS)

clean: ## Delete what the other targets made, the virtual environment too
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests examples benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo 'Backstory needs Python 3.11 or newer, and "$(PYTHON)" is' \
	        "$$($(PYTHON) --version 2>/dev/null || echo 'not there')." >&2; \
	    echo 'Name another one: make PYTHON=/path/to/python3.12 TARGET' >&2; exit 1; }
	@echo 'Setting up $(VENV) (once).'
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(PLAIN): $(MADE) pyproject.toml
	$(PIP) install --quiet --editable '.[web,fastapi,postgres]'
	@touch $@

# Mermaid reads the charts of `backstory model --mermaid` in a test; without npm that test is skipped, and says so.
# Dependency groups are what pip 25.1 learned. The wheel for playwright carries axe-core; playwright itself is not needed.
$(DEV): $(PLAIN)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(PIP) install --quiet --group dev
	-$(PIP) install --quiet --no-deps 'axe-playwright-python>=0.1.8'
	-$(PIP) install --quiet --upgrade --no-deps --only-binary :all: --target $(OLDEST) 'apsw==$(APSW).*'
	-cd $(VENV) && npm pack --silent 'mermaid@^11' >/dev/null && tar -xzf mermaid-*.tgz package/dist/mermaid.min.js \
	    && mv package/dist/mermaid.min.js . ; rm -rf package mermaid-*.tgz
	@mkdir -p $(OLDEST) && echo '$(APSW)' > $(OLDEST)/version
	@touch $@

$(BENCH): $(PLAIN)
	$(PIP) install --quiet --upgrade 'pip>=25.1'
	$(PIP) install --quiet --group bench
	@touch $@
