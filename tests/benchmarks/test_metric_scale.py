# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The table of measured scales: exact on exact depth, and its whole command on a rendered drive."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from helpers.benchmark_scripts import benchmark_script

from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.bags.synthetic import write_world_bag

UNIT = np.float32(1 / 23)  # model units per metre
FRAMES = 3
ROWS = [
    f"{way}, {kind}"
    for way in ("sparse_depth", "odometry", "camera_height")
    for kind in ("each image", "after the filter")
]


@pytest.fixture(scope="module")
def script():
    with benchmark_script("metric_scale") as module:
        yield module


@pytest.fixture
def ground_truth() -> np.ndarray:
    """Return depth [H,W] m of which a third is unknown."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(2, 70, (60, 90)).astype(np.float32)
    return np.where(rng.random(depth.shape) < 1 / 3, np.float32(0), depth)


def test_the_sensor_s_pixels_are_a_tenth_and_not_among_the_others(script, ground_truth):
    seen, rest = script.split(ground_truth, 10)
    sensed, judged = np.isfinite(seen), rest > 0
    assert not (sensed & judged).any() and ((sensed | judged) == (ground_truth > 0)).all()
    assert sensed.sum() == (ground_truth > 0).sum() // 10
    np.testing.assert_array_equal(np.where(sensed, seen, rest), ground_truth)


def test_errors_are_relative_to_the_best_scale_whatever_the_unit(script, ground_truth):
    perfect = script.score(UNIT * ground_truth, ground_truth, 23.0, "plain")
    np.testing.assert_allclose(perfect, 0, atol=1e-5)
    tenth_too_far = script.score(UNIT * ground_truth, ground_truth, 1.1 * 23.0, "plain")
    np.testing.assert_allclose(tenth_too_far, (0.1, 0.1, 0), atol=1e-5)


def test_exact_depth_has_its_scale_found_by_the_tenth(script, ground_truth):
    seen, rest = script.split(ground_truth, 10)
    measured = script.from_depth(UNIT * ground_truth, seen)
    found = script.score(UNIT * ground_truth, rest, measured.metres_per_unit, "plain")
    np.testing.assert_allclose(found, 0, atol=1e-5)


def test_the_whole_command_on_a_rendered_drive(script, tmp_path, capsys):
    torch.set_num_threads(1)
    config = WorldConfig(width=320, height=96, frames=FRAMES, supersample=1, shadows=False)
    write_world_bag(905, config, tmp_path / "drive", tmp_path / "ground_truth")
    T_world_camera = render_drive(905, config).T_world_camera[0].double().numpy()
    options = script.Options(
        bag=tmp_path / "drive",
        ground_truth=str(tmp_path / "ground_truth"),
        camera_height=-T_world_camera[1, 3],
        camera_pitch=float(np.arcsin(T_world_camera[1, 2])),
        json=tmp_path / "rows.json",
    )
    script.main(options)
    rows, printed = json.loads((tmp_path / "rows.json").read_text()), capsys.readouterr().out
    for name in ROWS:
        count = rows[name]["images"]
        assert f"| {name} | {count} |" in printed
        # Not every image is compared with odometry.
        assert count == FRAMES or name == "odometry, each image"
        assert 0 <= rows[name]["without a scale"] <= count <= FRAMES
    sparse = rows["sparse_depth, each image"]
    assert sparse["without a scale"] == 0 and 0 < sparse["error_p50"] < 0.15
    assert sparse["abs_rel_p50"] < sparse["at_best_p50"] + 0.15


def test_exact_depth_of_a_rendered_room_has_its_scale_found_by_odometry(script):
    """Half a second of motion and moving objects leave an error of some per cent."""
    torch.set_num_threads(1)
    rows = script.measure(script.Options(world="room", scenes=1, frames=6, exact=True))
    found = rows["odometry, after the filter"]
    assert found["images"] == 6 and found["error_p50"] < 0.1
    assert found["after_20"] == [pytest.approx(0, abs=0.1)]
    assert rows["sparse_depth, each image"]["error_p90"] < 0.001
    assert "odometry, each image" in script.table(rows)
