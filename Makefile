# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup lint lint-fast sanity docs-lint test-unit test-kernel test-integration test-molecule test-peers test test-fast demo demo-clean bench clean

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Debian packages, .venv and base images (root; fast when all is there)
	@./scripts/setup.sh

lint: lint-fast docs-lint sanity ## ruff, ansible-lint, antsibull and ansible-test sanity
	@./scripts/ansible_lint.sh

lint-fast: setup
	@$(BIN)/ruff check .

docs-lint: setup
	@./scripts/docs_lint.sh

sanity: setup ## ansible-test sanity in an exported copy of this checkout
	@./scripts/sanity.sh

test-unit: setup ## unit tests (no privilege needed)
	@$(PYTEST) tests/unit $(ARGS)

test-kernel: setup ## tests against the real kernel (root)
	@$(PYTEST) tests/kernel $(ARGS)

test-integration: setup ## every target of tests/integration/targets on this host (root); TARGETS="container network" runs some
	@$(BIN)/python scripts/integration.py $(TARGETS)

test-molecule: setup ## the molecule scenario with testinfra (root)
	@./scripts/molecule.sh $(ARGS)

test-peers: setup ## images and builds beside docker, podman, buildah, skopeo and umoci (root; installs them)
	@./scripts/setup_peers.sh
	@./scripts/peer_root.sh
	@$(PYTEST) -q tests/peers $(ARGS)

test: setup ## everything (root): lint, unit, kernel, integration, molecule
	@./scripts/test_all.sh lint test-unit test-kernel test-integration test-molecule

test-fast: setup ## under four minutes: ruff, unit tests, and the kernel tests that are marked fast
	@$(BIN)/ruff check .
	@$(PYTEST) -q tests/unit
	@if [ "$$(id -u)" = 0 ]; then $(PYTEST) -q -m fast tests/kernel; fi

demo: setup ## from registry to running, limited, published containers on this host, twice (root)
	@./scripts/demo.sh run

demo-clean: setup ## take away everything that the demo made
	@./scripts/demo.sh clean

bench: setup ## measure; results in bench/results/
	@./bench/run.sh

clean: ## remove .venv and .cache
	rm -rf .venv .cache .ansible
