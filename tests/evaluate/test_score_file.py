# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files of the scores of recordings, and their sum, which equals one evaluation of all images."""

from __future__ import annotations

import json

import numpy as np
import pytest

from jasmine_core.evaluate.clips import ClipPose
from jasmine_core.evaluate.evaluation import Evaluation
from jasmine_core.evaluate.reliability import Reliability
from jasmine_core.evaluate.score_file import read_scores, write_scores

H, W = 32, 48
K = np.array([[40.0, 0, 23.5], [0, 40.0, 5.5], [0, 0, 1]])
MEAN_MAP = np.tile(np.linspace(30, 3, H)[:, None], (1, W)).astype(np.float32)
RECORDINGS = {0: 4, 1: 1, 2: 3}  # number of images, by the number of the recording


def images(recording):
    """Yield the arguments of `Evaluation.add` and a confidence [H,W]; all images differ."""
    for index in range(RECORDINGS[recording]):
        rng = np.random.default_rng([recording, index])
        ground_truth = MEAN_MAP * rng.uniform(0.9, 1.1, (H, W)).astype(np.float32)
        ground_truth[4:9, 6:14] = 2.5
        if recording == 2:  # sparse, so that there are no edges, and only inside the margin
            ground_truth[rng.random((H, W)) < 0.7] = 0
            ground_truth[:4] = ground_truth[-4:] = 0
            ground_truth[:, :6] = ground_truth[:, -6:] = 0
        depth = ground_truth.mean() * rng.uniform(0.1, 0.3, (H, W)).astype(np.float32)
        T = np.eye(4)
        T[2, 3] = 0.1 * index
        stamp = 10**15 * recording + 10**8 * index
        pose = ClipPose(recording, K, T)
        yield (stamp, depth, ground_truth, 2 * depth[::-1], pose), rng.random((H, W))


def add(recording, evaluation, reliability):
    for arguments, confidence in images(recording):
        aligned = evaluation.add(*arguments)
        valid = aligned.valid
        reliability.add(confidence[valid], aligned.depth[valid], aligned.ground_truth[valid])


def empty():
    return Evaluation(MEAN_MAP, "plain"), Reliability()


@pytest.fixture
def files(tmp_path):
    """Return a file of scores for each recording."""
    found = []
    for recording in RECORDINGS:
        evaluation, reliability = empty()
        add(recording, evaluation, reliability)
        found.append(tmp_path / f"{recording}.json")
        write_scores(found[-1], {"recording": recording}, evaluation, reliability)
    return found


def test_the_sum_of_recordings_equals_one_evaluation_of_all_images(files):
    whole, confidence = empty()
    for recording in RECORDINGS:
        add(recording, whole, confidence)
    total, sums = empty()
    for file in files:
        read_scores(file).add_to(total, sums)
    assert total.summary() == whole.summary()
    assert total.clips.summary() == whole.clips.summary()
    assert total.clips.count == 2
    assert [frame.stamp for frame in total.extremes().values()] == [
        frame.stamp for frame in whole.extremes().values()
    ]
    expected, found = confidence.summary(), sums.summary()
    assert found["ause"] == expected["ause"]
    assert found["ece"] == pytest.approx(expected["ece"], rel=1e-12)


def test_scores_without_a_value_stay_unknown(files):
    assert json.loads(files[2].read_text())["frames"][0]["regions"][0] is None
    scores = read_scores(files[2])
    assert scores.about == {"recording": 2}
    assert np.isnan(scores.frames[0].regions[0]) and scores.frames[0].edges is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"frames": [{}], "clips": [], "reliability": {}}',
        '{"frames": [], "clips": [{"model": ["a", 1, 1, 1]}], "reliability": {}}',
        '{"frames": [], "clips": [], "reliability": {"sums": [[1]], "ause": [], "aurg": []}}',
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(ValueError):
        read_scores(tmp_path / "scores.json")
