# Two commands are enough: `make run` to use it, `make test` to test it. Each sets itself up.
PY ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
.DEFAULT_GOAL := help
.PHONY: help setup run test lint format bench mutants lock components clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(UV):
	@$(PY) -m pip install --quiet --disable-pip-version-check --target .tools 'uv==0.13.9'

.venv/.stamp: $(UV) pyproject.toml requirements/dev.lock
	@$(UV) venv --quiet --allow-existing --python $(PY) .venv
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup: .venv/.stamp ## make .venv with openclaw and all that it needs

run: setup ## start openclaw: state, config, gateway, web chat
	@$(BIN)/openclaw up

components: ## programs that the tests drive: bubblewrap, Chromium (through apt, when missing)
	@sh .ci/components

test: setup components lint ## check and test everything
	@$(BIN)/python -m pytest

lint: setup ## format, lint, types, layers, dependencies, secrets
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/deptry src 2>&1 | tail -n 1
	@$(BIN)/python .ci/hygiene.py

format: setup ## rewrite the code in the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet . || true

bench: setup ## print speed and memory figures, with the machine's load beside them
	@$(BIN)/python bench/run.py

mutants: setup ## mutation-test the kernel (half an hour; see docs/verification.md)
	@$(BIN)/python .ci/mutants.py

lock: $(UV) ## renew the lock files
	@$(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/base.lock
	@$(UV) pip compile pyproject.toml --quiet --all-extras --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/dev.lock

clean: ## remove what the targets made
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis
