# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixture of the tests of `jasmine view OUT|BAG`."""

from __future__ import annotations

import pytest
from helpers.rerun_files import read

from jasmine_ros.cli import main


@pytest.fixture
def show(tmp_path, capsys):
    """Return a function that saves what is shown; it returns status, error and the entities."""

    def show(path, *options):
        file = tmp_path / "some" / "result.rrd"
        capsys.readouterr()
        status = main(["view", str(path), "--rrd", str(file), *options])
        return status, capsys.readouterr().err, read(file) if file.exists() else None

    return show
