# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Each target sets up what it needs in .venv; a Python from 3.10 on, make and a C compiler suffice.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-slow lint bench clean

demo: $(VENV)/.installed-torch  ## the depth node on the bundled drive: demo/depth, demo/preview.png, demo/report.json
	$(BIN)/jasmine demo -o demo

test: $(VENV)/.installed-dev  ## everything that needs neither GPU, ROS nor network
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.installed-dev  ## the long checks
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.installed-torch  ## the share of a frame that is not the network, side by side
	$(BIN)/python benchmarks/frame_overhead.py

clean:
	rm -rf $(VENV) build demo *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[$*]"
	touch $@
