# What a developer runs; continuous integration runs the same. Needs Python 3.11 or later, git and make.

# The first interpreter that is new enough and can make a virtual environment.
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
	then echo $$python; break; fi; done)
BIN := .venv/bin
# What is compiled is kept, whatever the caller prefers: each worker and each command would compile it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help check test golden fuzz lint types style others bench mutants size docs clean

# How long `make fuzz` goes on; it ends with the file of tests that is running then.
MINUTES := 5

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1: /p' Makefile

check: .venv/ready  ## judge this repository's newest change by its own SPEC_AUTHORITY.md
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/check

test: .venv/ready  ## lint, check types, imports, generated pages and the policy, run the tests, and check
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j 2) types others
	$(BIN)/pytest -n 2 --dist loadgroup --durations=10
	@PATH="$(CURDIR)/$(BIN):$$PATH" .ci/check

golden: .venv/ready  ## compare what the code answers with what it answered at a revision (REV=main)
	@test -n "$(REV)" || { echo "make: which revision? make golden REV=main" >&2; exit 1; }
	$(BIN)/python tests/golden.py compare "$(REV)"

fuzz: .venv/ready  ## try new inputs on all that reads any, for 5 minutes (MINUTES=60: for an hour)
	@end=$$(($$(date +%s) + 60 * $(MINUTES))); \
	while true; do for file in tests/fuzz/test_*.py; do \
		$(BIN)/pytest -q -n 2 --hypothesis-profile=fuzz "$$file" || exit 1; \
		test "$$(date +%s)" -lt "$$end" || exit 0; \
	done; done

lint: types style

# One processor is as long about the types as another about all that `others` does.
types: .venv/ready
	$(BIN)/mypy

style: .venv/ready
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

# Collecting compiles the tests once; or else each worker would. What cannot be collected fails when it is run.
others: style
	$(BIN)/specguard docs --check
	$(BIN)/specguard test
	@$(BIN)/pytest --collect-only -qq >/dev/null 2>&1 || true

size: ## count code lines, modules and names, and hold the budgets of tools/size.py
	@$(PYTHON) tools/size.py

bench: .venv/ready  ## measure start-up, ranges and large changes; the figures go to .bench/
	$(BIN)/python bench/run.py

mutants: .venv/ready  ## change the code that decides, mutant by mutant, and see whether a test fails; takes hours
	$(BIN)/python bench/mutants.py

docs: .venv/ready  ## write the pages that are made from the code, the outputs that others show, and the site
	$(BIN)/specguard docs
	$(BIN)/python tools/pages.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "the site: build/site/index.html"

clean:  ## remove everything that make makes
	rm -rf .venv .bench .golden build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The environment is made anew when the project's metadata changes, so that nothing dropped from it stays.
# Python compiles what is imported; to compile all that is installed takes a third of the time. The pip of an
# older Python takes twice as long to choose among the versions that an index lists.
.venv/ready: pyproject.toml
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or later with venv found" >&2; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[dev]'
	@touch $@
