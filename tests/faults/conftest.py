# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fixture of the fault tests: a component that is fed raw bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from faults.rig import Rig, open_bag


@pytest.fixture
def make_rig(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: Path
) -> Iterator[Callable[..., Rig]]:
    """Return a function that makes a rig with the given backend, or with the real network."""
    with ExitStack() as stack:

        def make(network: Any = None, compressed: bool = False, **parameters: Any) -> Rig:
            bag, topic = open_bag(tmp_path / str(id(parameters)), compressed)
            values = {"checkpoint": str(checkpoint), **parameters}
            return Rig(stack.enter_context(bag), topic, monkeypatch, network, **values)

        yield make
