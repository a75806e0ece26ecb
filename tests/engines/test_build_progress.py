# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Progress bar of an engine build, which only moves forward."""

from __future__ import annotations

import io

from tqdm import tqdm

from jasmine_core.engines.build_progress import BuildProgress


def make() -> tuple[BuildProgress, tqdm]:
    bar = tqdm(total=100, file=io.StringIO())
    return BuildProgress(bar), bar


def test_nested_phase_fills_the_step_of_its_parent():
    progress, bar = make()
    progress.start("whole", None, 4)
    assert bar.n == 0
    progress.step("whole", 0)
    assert bar.n == 25
    progress.start("inner", "whole", 2)
    progress.step("inner", 0)
    assert bar.n == 38  # 1.5 of 4
    progress.step("inner", 1)
    progress.finish("inner")
    progress.step("whole", 1)
    assert bar.n == 50
    progress.step("whole", 3)
    progress.finish("whole")
    assert bar.n == 100


def test_bar_never_moves_backwards():
    progress, bar = make()
    progress.start("first", None, 2)
    progress.step("first", 1)
    progress.finish("first")
    progress.start("second", None, 10)
    progress.step("second", 0)
    assert bar.n == 100


def test_phases_that_were_never_started_are_ignored():
    progress, bar = make()
    assert progress.step("unknown", 3)
    progress.finish("unknown")
    progress.start("orphan", "unknown", 1)
    assert progress.step("orphan", 0)
    assert bar.n == 100


def test_cancelled_build_ends_at_its_next_step():
    progress, _ = make()
    progress.start("whole", None, 3)
    assert progress.step("whole", 0)
    progress.cancelled = True
    assert not progress.step("whole", 1)
