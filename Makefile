# Everything a newcomer needs: `make demo`, then `make test`. `make` alone prints the list.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The first Python in the supported range; name another with PYTHON=...
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	then echo $$p; exit; fi; done; echo python3)
BIN := .venv/bin
# make demo FORMAT=html does without the PDF and the system libraries it needs.
FORMAT ?= html,pdf
# Two workers, one thread each, a file of tests to one of them; one after another: PYTEST_FLAGS=
PYTEST_FLAGS ?= -n 2 --dist loadfile
# make bench BENCH_FLAGS='--cases faces x2'
BENCH_FLAGS ?=
UV_LOCK := $(BIN)/python -m uv pip compile --quiet --universal --generate-hashes \
	--python-version 3.11 --exclude-newer "7 days" --custom-compile-command "make lock"

.PHONY: help demo test test-all setup setup-core check lint types format lock validate bench docs schema messages check-docs site picture clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-core ## audit the sample clip; prints where the report is
	$(BIN)/forensics audit fixtures/two_people.mp4 --out demo/ --force --format $(FORMAT)
	@echo "Report: file://$(CURDIR)/demo/data/report/report.html"

test: setup lint types ## lint, types, layers and all tests that are not slow (about 12 minutes)
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_FLAGS)

test-all: setup lint types ## the same with the slow tests
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

setup: ## .venv with the core, every extra and the dev tools
	@$(PYTHON) requirements/bootstrap.py all

setup-core: ## .venv with the core alone
	@$(PYTHON) requirements/bootstrap.py core $(if $(findstring pdf,$(FORMAT)),,--no-pdf)

lint: check-docs ## ruff, format check, import layers, schemas in docs/ up to date
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

types: ## mypy, strict on forensics/
	$(BIN)/mypy

format: ## rewrites the code in the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The shorter lists start as copies of the full one, whose versions uv then prefers.
lock: ## renews the hash-locked lists in requirements/
	$(UV_LOCK) pyproject.toml --all-extras --group dev --upgrade \
		--override requirements/overrides.txt -o requirements/all.txt
	cp requirements/all.txt requirements/core.txt
	cp requirements/all.txt requirements/setup.txt
	$(UV_LOCK) pyproject.toml -o requirements/core.txt
	printf 'uv\nhatchling\n' | $(UV_LOCK) - -o requirements/setup.txt

# Needs the data folder and the aligned faces of `training.portraits`; goes on where it stopped.
DATA ?= ../shared/data
PACKS ?= packs
validate: setup ## tests the risk on held-out people; writes docs/validation.md (half an hour of one core)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W ignore -m benchmarks.validation \
		--data $(DATA) --packs $(PACKS) --date $$(date -u +%Y-%m-%dT%H:%M:%SZ)

bench: setup ## our engine against unmodified upstream, about a quarter of an hour on a quiet machine
	$(BIN)/python -W ignore -m benchmarks.engine $(BENCH_FLAGS)
	$(BIN)/python -m benchmarks.speed.document --write docs/benchmarks.md

schema: ## writes docs/schema/ from the records
	$(BIN)/python -m forensics.evidence.schema --write docs/schema

messages: ## collects the texts of the reports, updates and compiles their catalogues
	$(BIN)/python -m forensics.report.messages --write

check-docs: ## fails when docs/ is not what the records and the benchmark say
	$(BIN)/python -m forensics.evidence.schema --check docs/schema
	$(BIN)/python -m benchmarks.speed.document --check docs/benchmarks.md
	$(BIN)/python -m benchmarks.validation.page --check
	$(BIN)/python -m forensics.cli.reference --check docs/cli.md
	$(BIN)/python -m forensics.report.messages --check

docs: schema ## everything in docs/ that is made from the code and from benchmarks/latest.json
	$(BIN)/python -m forensics.cli.reference --write docs/cli.md
	$(BIN)/python -m benchmarks.speed.document --write docs/benchmarks.md
	$(BIN)/python -m benchmarks.validation.page --write

site: setup ## the pages of docs/ as a static site in site/
	$(BIN)/mkdocs build --strict --quiet --site-dir site

picture: setup ## the README's picture of a report, from the demo audit (needs chromium)
	$(BIN)/python -W ignore -m benchmarks.picture demo --out docs/pictures/report.png

clean: ## removes what the tools leave behind; .venv stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist demo site
