# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Each target sets up what it needs in .venv; a Python from 3.10 on, make and a C compiler suffice.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow soak lint bench clean

demo: $(VENV)/.installed-torch  ## the depth node on the bundled drive: demo/depth, demo/preview.png, demo/report.json
	$(BIN)/jasmine demo -o demo

test: $(VENV)/.installed-dev  ## everything that needs neither GPU, ROS nor network
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.installed-dev  ## the long checks
	$(BIN)/python -m pytest -m slow

soak: $(VENV)/.installed-dev  ## the live node for 20 minutes at speed: docs/soak.png, docs/soak.json
	SOAK_IMAGE=docs/soak.png $(BIN)/python -m pytest -m slow -s tests/faults/test_soak.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-bench  ## what a frame costs, side by side: benchmarks/results/latest.json
	$(BIN)/python benchmarks/run.py

clean:
	rm -rf $(VENV) build demo *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# TensorRT for RTX builds engines without a GPU; not every platform has its 95 MB.
$(VENV)/.installed-dev: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[dev]"
	$(PIP) -e ".[rtx]" || echo "tensorrt-rtx cannot be installed here: tests marked rtx are skipped"
	touch $@

$(VENV)/.installed-%: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[$*]"
	touch $@
