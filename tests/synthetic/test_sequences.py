# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from jasmine_core.dataset.sequence import DEPTH, SKY, DatasetError
from jasmine_core.dataset.sequences import Sequence, open_sequences
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.geometry.warp import warp
from jasmine_core.locks import exclusive
from jasmine_core.synthetic.drive import render_drive
from jasmine_core.synthetic.sequences import (
    METRES_PER_UNIT,
    render_sequences,
    training_world,
    write_world_sequence,
)
from jasmine_core.train.recipe import DataConfig
from jasmine_core.train.split import split_samples
from jasmine_ros.commands.render import RenderRequest, render

SIZE = (96, 32)


def world(kind):
    return replace(training_world(kind, SIZE, 4), texture_banks=1)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module", params=["street", "road", "room", "indoor"])
def scene(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "scene"
    config = world(request.param)
    write_world_sequence(5, config, folder)
    return request.param, render_drive(5, config), Sequence(folder)


def test_images_and_exact_depth_are_those_of_the_drive(scene):
    kind, drive, sequence = scene
    assert len(sequence) == 2
    assert sequence.metric
    for i in range(len(sequence)):
        loaded = sequence.sample(i).read()
        frame = i + 1
        own, other = (
            np.abs(loaded.target - 255 * drive.images[f].permute(1, 2, 0).numpy()).mean()
            for f in (frame, frame + 1)
        )
        assert own < 0.5 * other  # what a JPEG loses of noise
        ground_truth = drive.depths[frame, 0].numpy()
        metres = loaded.teacher * METRES_PER_UNIT[kind]
        inside = ground_truth < 2.9 * METRES_PER_UNIT[kind]
        step = METRES_PER_UNIT[kind] / 256
        assert np.abs(metres - ground_truth)[inside].max() <= 0.51 * step
        assert (loaded.teacher > 0).all()
        assert np.array_equal(loaded.classes == SKY, np.isinf(ground_truth))
        assert (loaded.teacher[np.isinf(ground_truth)] == 3).all()


def test_exact_depth_is_there_for_every_frame_in_the_format_of_kitti(scene):
    _, drive, sequence = scene
    files = sorted((sequence.folder / DEPTH).glob("*.png"))
    assert len(files) == len(drive.stamps) == 4
    for file, depth in zip(files, drive.depths[:, 0].numpy(), strict=True):
        stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        assert stored.dtype == np.uint16
        known = depth < 255.9
        assert np.abs(stored[known] / 256 - depth[known]).max() <= 0.51 / 256
        assert (stored[depth > 256] == 0).all()


def test_neighbours_are_where_the_index_says(scene):
    kind, _, sequence = scene
    sample = sequence.sample(0)
    loaded = sample.read()
    depth = torch.from_numpy(loaded.teacher * METRES_PER_UNIT[kind])[None, None]
    target = torch.from_numpy(loaded.target).permute(2, 0, 1)[None] / 255
    K = torch.from_numpy(loaded.camera.K).float()
    for image, neighbour in zip(loaded.sources, sample.sources, strict=True):
        source = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        T = torch.from_numpy(np.linalg.inv(neighbour.T_target_source)).float()[None]
        seen = warp(source, depth, K, T)
        still, moved = (
            (x - target).abs()[seen.inside.expand_as(target)] for x in (source, seen.image)
        )
        assert moved.mean() < 0.75 * still.mean()
        assert neighbour.distance > 0


def test_flow_is_more_than_parallax_alone_only_by_turning(scene):
    _, _, sequence = scene
    for record in sequence.index.samples:
        for flow, parallax in zip(record.flow, record.parallax, strict=True):
            assert 0 < parallax < 0.5
            assert flow > 0


def test_a_scene_that_is_there_is_not_rendered_again(scene):
    kind, _, sequence = scene
    index = sequence.folder / "sequence.json"
    before = index.stat().st_mtime_ns
    write_world_sequence(5, world(kind), sequence.folder)
    assert index.stat().st_mtime_ns == before


def test_what_a_killed_run_left_is_replaced(tmp_path):
    partial = tmp_path / ".scene.partial-7"
    partial.mkdir()
    (partial / "sequence.json").write_text(json.dumps({}))
    write_world_sequence(6, world("room"), tmp_path / "scene")
    assert [f.name for f in tmp_path.iterdir()] == ["scene"]


def test_many_scenes_make_a_training_set_and_a_stop_is_kept(tmp_path):
    calls = iter([False, False, True])
    assert not render_sequences(range(3), world("room"), tmp_path, lambda: next(calls))
    assert [s.folder.name for s in open_sequences(tmp_path)] == ["room_000000", "room_000001"]
    assert render_sequences(range(3), world("room"), tmp_path, lambda: False)
    split = split_samples(DataConfig((str(tmp_path),), held_out=0.0))
    assert len(split.training) == 6
    assert all(sample.teacher for sample in split.training)


@pytest.mark.parametrize("scenes", [0, -1])
def test_a_number_of_scenes_below_1_is_refused(tmp_path, scenes):
    with pytest.raises(ConfigError, match=f"--scenes is {scenes}; it must be at least 1"):
        RenderRequest(tmp_path / "world", scenes=scenes)


def test_scenes_too_short_to_have_neighbours_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="2 frames"):
        render(RenderRequest(tmp_path / "world", frames=2))
    with pytest.raises(DatasetError, match="is not a directory"):
        open_sequences(tmp_path / "world")


def test_two_processes_do_not_render_into_one_folder(tmp_path):
    """The lock of this process stands for that of another one."""
    request = RenderRequest(tmp_path / "world", kind="room", scenes=1, frames=3)
    with (
        exclusive(tmp_path / "world"),
        pytest.raises(JasmineError, match=f"world is being written by process {os.getpid()}"),
    ):
        render(request)
