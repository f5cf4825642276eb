# demo: a release and a hotfix in a sandbox; with ACT=rollback a rollback, too
# test: everything CI runs     check: the fast part of it     install: what a worker needs     reference, screens: docs/
# Each sets up what it needs in $(VENV) and reuses it the next time.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A lock holds everything, so nothing is to be resolved; a module is compiled when it is first used.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes --only-binary :all: \
  --no-deps --no-compile

# Hundreds of short processes would each compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: demo install test check lint types collect tests lock clean reference screens

demo: $(VENV)/.runtime
	$(BIN)/dabflow demo $(if $(ACT),--act $(ACT))

install: $(VENV)/.runtime

# What takes one core goes side by side; `collect` compiles what the tests import: once, not in each worker.
test:
	$(MAKE) --no-print-directory --jobs=2 types lint collect
	$(MAKE) --no-print-directory tests

check:
	$(MAKE) --no-print-directory --jobs=2 types lint

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/zizmor --offline --no-progress --quiet --persona=auditor .github/
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

types: $(VENV)/.dev
	$(BIN)/mypy

collect: $(VENV)/.dev
	@found=$$($(BIN)/pytest --collect-only -qq 2>&1) || { echo "$$found"; exit 1; }

tests: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

reference: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python docs/reference.py

screens: $(VENV)/.screens
	$(BIN)/python docs/screens.py

# Needs uv; writes no host name into the files.
lock:
	for kind in pip runtime dev screens; do uv pip compile --quiet --universal --python-version 3.11 --no-strip-extras \
	  --generate-hashes --no-emit-index-url --no-header requirements/$$kind.in -o requirements/$$kind.lock; done

clean:
	rm -rf $(VENV) .sandbox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "dabflow needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "  what to do: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements/pip.lock

$(VENV)/.runtime: requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "installing what dabflow runs on into $(VENV) (once, about a minute)"
	$(PIP) -r requirements/runtime.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The dev lock holds the runtime lock, so one run of pip is enough.
$(VENV)/.dev: requirements/dev.lock requirements/runtime.lock pyproject.toml | $(BIN)/python
	@echo "installing what checks dabflow into $(VENV) (once, about a minute)"
	$(PIP) -r requirements/dev.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --quiet --no-deps --no-build-isolation -e .
	@touch $(VENV)/.runtime $@

$(VENV)/.screens: requirements/screens.lock $(VENV)/.dev
	$(PIP) -r requirements/screens.lock
	@touch $@
