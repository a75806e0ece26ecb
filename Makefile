# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
#
# Each target installs what it needs into .venv. Python from 3.10 on, make and a C compiler suffice.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
PIP    := $(BIN)/python $(INSTALL) -c constraints.txt
# Tests install only files whose hashes are in requirements/, and build this package with the setuptools from there.
LOCKED := $(INSTALL) --require-hashes --no-deps --no-build-isolation -r requirements
OWN    := $(INSTALL) --no-deps --no-build-isolation -e .
# Processes that run the tests, beside this one that collects them; 0 runs all in this one.
TEST_PROCESSES ?= 2
# `make fuzz FUZZ_SEED=7` generates other bags.
FUZZ_SEED ?= 0
FUZZ_BAGS ?= 20000
PYTEST := $(BIN)/python -m pytest
# Distributions whose rclpy is installed from wheels.
ROS_DISTROS := jazzy kilted
# Conversions and benchmarks do not depend on the distribution; one run of them is enough.
OMIT_kilted  := --ignore=tests/benchmarks --ignore=tests/contract/test_images.py --ignore=tests/msgs/test_conversion.py
# What a sourced ROS 2 installation sets must not mix with the wheels.
ROS_ENV      := env -u PYTHONPATH -u LD_LIBRARY_PATH -u AMENT_PREFIX_PATH ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
ROS_TESTS    ?= ros and not slow
# `make apt-check` takes what a machine of ROS 2 has; with APT_INSTALL=1 it installs the packages, as root.
APT_PYTHON   ?= /usr/bin/python3
APT_PACKAGES := python3-opencv python3-numpy python3-yaml
APT_INSTALL  ?=

.PHONY: demo test test-ros $(ROS_DISTROS:%=test-%) test-slow test-fleet test-viewer test-packages apt-check test-ros-slow soak fuzz docs lint lock bench bench-ros animation help clean

demo: $(VENV)/.installed-torch  ## run the depth node on the bundled recording: demo/report.html, demo/depth, demo/report.json
	$(BIN)/jasmine demo -o demo

test: $(VENV)/.installed-dev  ## run all tests that need neither a GPU nor the network
	$(PYTEST) -m "not slow and not ros" -n $(TEST_PROCESSES) --dist loadfile --durations=20
	$(MAKE) --no-print-directory test-ros

test-ros: $(ROS_DISTROS:%=test-%)  ## run the tests on a real ROS 2, installed from wheels: Jazzy, then Kilted

$(ROS_DISTROS:%=test-%): test-%: $(VENV)/.installed-dev
	@if $(MAKE) --no-print-directory .venv-$*/.installed; then \
		$(ROS_ENV) .venv-$*/bin/python -m pytest -m "$(ROS_TESTS)" $(OMIT) $(OMIT_$*) --durations=10; \
	else \
		echo "SKIPPED: tests on ROS 2 $*: its wheels cannot be installed here (see the error of pip)"; \
	fi

test-slow: $(VENV)/.installed-dev  ## run the tests that take too long for `make test`
	$(PYTEST) -m slow --durations=20

test-fleet: $(VENV)/.installed-dev  ## run the tests of recordings on a real Ray, with killed workers and full disks
	$(BIN)/python $(LOCKED)/fleet.txt
	$(PYTEST) -m ray --durations=10

test-viewer: $(VENV)/.installed-dev  ## run the tests of the viewer with a real Rerun (Python 3.11 or later)
	$(BIN)/python $(LOCKED)/viz.txt
	$(PYTEST) tests/commands/test_view*.py --durations=10

test-packages: $(VENV)/.installed-dev  ## build wheel and sdist, install them into an empty environment and run the command
	$(PYTEST) -m slow tests/packaging

apt-check: $(VENV)/.installed-dev  ## run the node on OpenCV, NumPy and PyYAML of apt with rclpy, without torch and ONNX Runtime
	@if [ -n "$(APT_INSTALL)" ] && command -v apt-get > /dev/null; then \
		{ apt-get update && apt-get install -y --no-install-recommends $(APT_PACKAGES); } > /dev/null || true; \
	fi
	@if ! $(APT_PYTHON) -c "import cv2, numpy, yaml; cv2.dnn"; then \
		echo "SKIPPED: apt-check: $(APT_PYTHON) has no OpenCV; apt-get install $(APT_PACKAGES)"; \
	elif ! $(MAKE) --no-print-directory .venv-apt/.installed; then \
		echo "SKIPPED: apt-check: the wheels of rclpy cannot be installed for $(APT_PYTHON) (see the error)"; \
	else \
		$(BIN)/python tests/apt/check.py .venv-apt/bin/python; \
	fi

test-ros-slow:  ## run the long tests on a real ROS 2, without those of `make soak`: Jazzy, then Kilted
	$(MAKE) --no-print-directory test-ros ROS_TESTS="ros and slow" OMIT=--ignore=tests/faults/test_soak.py

soak: $(VENV)/.installed-dev  ## run the live node for 30 minutes under each load on each host: docs/soak.json, docs/soak.png
	@python=.venv-jazzy/bin/python; $(MAKE) --no-print-directory .venv-jazzy/.installed || { \
		python=$(BIN)/python; \
		echo "SKIPPED: the load on ROS 2 jazzy: its wheels cannot be installed here (see the error of pip)"; \
	}; \
	SOAK_MINUTES=30 SOAK_REPORT=docs/soak.json $(ROS_ENV) $$python -m pytest -m slow -s tests/faults/test_soak.py

fuzz: $(VENV)/.installed-dev  ## read 20,000 generated, damaged bags; continues after Ctrl-C: build/fuzz/verdicts-SEED.jsonl
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python -m faults.fuzz.main --seed $(FUZZ_SEED) --count $(FUZZ_BAGS)

docs: $(VENV)/.installed-docs  ## build the documentation site without the network, warnings as errors: build/docs/index.html
	rm -rf build/docs build/docs-source && mkdir -p build && cp -r docs build/docs-source
	$(BIN)/python -m sphinx -b html -W --keep-going --quiet build/docs-source build/docs
	$(BIN)/python docs/site_check.py build/docs

lint: $(VENV)/.installed-dev  ## check style, types and spelling: ruff, mypy, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

lock: .venv-lock/.installed  ## renew the lock files in requirements/ after a change of setup.py or constraints
	.venv-lock/bin/python requirements/lock.py

bench: $(VENV)/.installed-bench  ## measure the cost of an image, with ratios: benchmarks/results/latest.json
	$(BIN)/python benchmarks/run.py

bench-ros: .venv-jazzy/.installed  ## measure start, latency, transport and displays on ROS 2: benchmarks/results/ros2*.json
	$(ROS_ENV) .venv-jazzy/bin/python benchmarks/ros2_live.py
	$(ROS_ENV) .venv-jazzy/bin/python benchmarks/ros2_displays.py

animation: $(VENV)/.installed-dev  ## draw a rendered street: docs/cloud.gif and docs/over_time.gif
	$(BIN)/python benchmarks/cloud_animation.py
	$(BIN)/python benchmarks/over_time_animation.py

help:  ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '%-13s %s\n' "$$name" "$$text"; done

clean:  ## delete the environments, demo/ and build files
	rm -rf $(VENV) .venv-lock .venv-apt $(ROS_DISTROS:%=.venv-%) build demo *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Where the package index has no CPU build of torch, the CUDA build is installed. TensorRT for RTX builds engines without
# a GPU; it is not available on every platform.
$(VENV)/.installed-dev: $(BIN)/python setup.py $(addprefix requirements/,dev.txt cpu.txt cuda.txt rtx.txt fleet.txt)
	$(BIN)/python $(LOCKED)/cpu.txt || $(BIN)/python $(LOCKED)/cuda.txt
	$(BIN)/python $(LOCKED)/dev.txt
	$(BIN)/python $(OWN)
	$(BIN)/python $(LOCKED)/rtx.txt || echo "tensorrt-rtx cannot be installed here: tests marked rtx are skipped"
	$(BIN)/python $(LOCKED)/fleet.txt || echo "ray cannot be installed here: tests marked ray are skipped"
	touch $@

# The site needs Python 3.11.
$(VENV)/.installed-docs: $(VENV)/.installed-dev requirements/docs.txt
	$(BIN)/python $(LOCKED)/docs.txt
	touch $@

$(VENV)/.installed-%: $(BIN)/python setup.py constraints.txt
	$(PIP) -e ".[$*]"
	touch $@

# An environment that sees the packages of .venv, with the wheels of one distribution on top.
$(ROS_DISTROS:%=.venv-%/.installed): .venv-%/.installed: $(VENV)/.installed-dev requirements/%.txt
	$(BIN)/python -m venv --clear --without-pip .venv-$*
	$(BIN)/python -c "import sys; from sysconfig import get_path as path; \
		open(path('purelib', vars={'base': sys.argv[1]}) + '/_base.pth', 'w').write( \
		'import site; site.addsitedir(%r)' % path('purelib'))" .venv-$*
	$(BIN)/python $(subst -m pip,-m pip --python .venv-$*/bin/python,$(LOCKED))/$*.txt
	$(BIN)/python $(subst -m pip,-m pip --python .venv-$*/bin/python,$(OWN))
	.venv-$*/bin/python -c "import rclpy"
	touch $@

.venv-apt/.installed: $(VENV)/.installed-dev requirements/jazzy.txt
	$(APT_PYTHON) -m venv --clear --without-pip --system-site-packages .venv-apt
	$(BIN)/python $(subst -m pip,-m pip --python .venv-apt/bin/python,$(LOCKED))/jazzy.txt
	.venv-apt/bin/python -c "import rclpy"
	touch $@

.venv-lock/.installed: requirements/uv.txt
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python $(LOCKED)/uv.txt
	touch $@
