# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Each target installs what it needs into .venv. Python from 3.10 on, make and a C compiler suffice.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# `make test TEST_PROCESSES=2` runs the tests in two processes beside this one; 0 is this one alone.
TEST_PROCESSES ?= 0
PYTEST := $(BIN)/python -m pytest

.PHONY: demo test test-slow soak lint bench help clean

demo: $(VENV)/.installed-torch  ## run the depth node on the bundled recording: demo/depth, demo/preview.png, demo/report.json
	$(BIN)/jasmine demo -o demo

test: $(VENV)/.installed-dev  ## run all tests that need neither a GPU, nor ROS, nor the network
	$(PYTEST) -m "not slow" -n $(TEST_PROCESSES) --dist loadfile --durations=20

test-slow: $(VENV)/.installed-dev  ## run the tests that take too long for `make test`
	$(PYTEST) -m slow --durations=20

soak: $(VENV)/.installed-dev  ## run the live node for 20 minutes at full speed: docs/soak.png, docs/soak.json
	SOAK_IMAGE=docs/soak.png $(PYTEST) -m slow -s tests/faults/test_soak.py

lint: $(VENV)/.installed-dev  ## check style, types and spelling: ruff, mypy, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

bench: $(VENV)/.installed-bench  ## measure the cost of an image, with ratios: benchmarks/results/latest.json
	$(BIN)/python benchmarks/run.py

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '%-10s %s\n' "$$name" "$$text"; done

clean:  ## delete .venv, demo/ and build files
	rm -rf $(VENV) build demo *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# TensorRT for RTX builds engines without a GPU. It has 95 MB and is not available on every platform.
$(VENV)/.installed-dev: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[dev]"
	$(PIP) -e ".[rtx]" || echo "tensorrt-rtx cannot be installed here: tests marked rtx are skipped"
	touch $@

$(VENV)/.installed-%: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[$*]"
	touch $@
