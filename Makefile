# What a developer types. `make` alone lists it.
# PYTHON=… chooses the interpreter, VENV=… the folder of the virtual environment.
VENV ?= .venv
UV ?= uv
PYTHON ?=
BIN := $(VENV)/bin
LOCK := $(UV) pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --quiet

export PYTHON
# Containers often set it, and then each process compiles every module again: its start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help run test check format generate lock baseline fuzz bench chaos clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

run: $(VENV)/.run ## Serve the gateway, every backend and demo data on http://127.0.0.1:8000
	@exec $(BIN)/python -m gateway run --embedded

test: $(VENV)/.dev ## Install the real parts, check everything, run every test
	@sh tools/setup.sh parts redis-server chromium
	@$(BIN)/python -m tools.check
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder --reruns 2 -rR --durations 15

check: $(VENV)/.dev ## Style, types, who imports whom, contracts, generated files, sizes
	@$(BIN)/python -m tools.check $(ONLY)

format: $(VENV)/.dev ## Put Python and proto files into shape
	@$(BIN)/ruff check --fix-only --quiet
	@$(BIN)/ruff format --quiet
	@$(BIN)/buf format --write

generate: $(VENV)/.dev ## Make what is made from the contracts: schema/generated, schema/schema.graphql
	@$(BIN)/python -m schema.generate
	@$(BIN)/python -m schema.graphql

lock: ## Resolve the dependencies anew into the lock files (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv" >&2; exit 1; }
	@$(LOCK) --output-file requirements.lock
	@$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

baseline: generate ## Freeze the contracts as released: later changes may not break them
	@$(BIN)/buf build --exclude-source-info --output schema/released.binpb
	@cp schema/schema.graphql schema/released.graphql

fuzz: $(VENV)/.dev ## For five minutes each: compare plans with graphql-core by chance, ask a gateway what nobody would
	@$(BIN)/python -W ignore -m tests.gateway.execution.fuzz $(or $(ARGS),--seconds 300)
	@$(BIN)/python -W ignore -m tests.gateway.fuzz $(or $(ARGS),--seconds 300)

bench: $(VENV)/.dev ## Measure the home query beside what else answers it, and refresh the documents' figures
	@$(BIN)/python -m bench $(ARGS)

chaos: $(VENV)/.dev ## Kill, freeze, slow and flood real processes under load, and hold what clients notice to bounds
	@sh tools/setup.sh parts redis-server
	@$(BIN)/python -m chaos $(ARGS)

clean: ## Remove the virtual environment, caches and the data under var/
	@rm -rf $(VENV) var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps say which lock the environment holds; the larger lock contains the smaller one.
$(VENV)/.run: requirements.lock
	@sh tools/setup.sh venv $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock
	@sh tools/setup.sh venv $(VENV) requirements-dev.lock
	@touch $(VENV)/.run $@
