# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mean of the weights of several checkpoints."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import torch

from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.presets import PRESETS, build_model

MEAN = runpy.run_path(str(Path(__file__).parents[2] / "training/tiny/mean.py"), run_name="mean")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Return the folders of three checkpoints with different weights."""
    places = [tmp_path_factory.mktemp("mean") / name for name in "abc"]
    for seed, place in enumerate(places):
        torch.manual_seed(seed)
        build_model(PRESETS["tiny"], "tiny").save_pretrained(place)
    return places


def weights_of(folder):
    return {
        f"{file.parent.name}/{name}": weight
        for file in sorted(folder.rglob("*.safetensors"))
        for name, weight in MEAN["load_file"](file).items()
    }


def test_weights_are_the_mean(checkpoints, tmp_path):
    MEAN["main"](tmp_path / "out", checkpoints)
    mean, parts = weights_of(tmp_path / "out"), [weights_of(c) for c in checkpoints]
    assert mean.keys() == parts[0].keys()
    for name, weight in mean.items():
        if weight.is_floating_point():
            expected = sum(p[name] for p in parts) / 3
            torch.testing.assert_close(weight, expected)
        else:
            assert torch.equal(weight, parts[0][name])
    JasmineModel.from_pretrained(tmp_path / "out")


def test_the_mean_of_equal_checkpoints_is_the_checkpoint(checkpoints, tmp_path):
    MEAN["main"](tmp_path / "out", [checkpoints[0]] * 2)
    first = weights_of(checkpoints[0])
    assert all(torch.equal(w, first[n]) for n, w in weights_of(tmp_path / "out").items())


def test_other_weights_and_an_existing_folder_are_refused(checkpoints, tmp_path):
    other = tmp_path / "other"
    sizes = PRESETS["tiny"] | {
        "unet": PRESETS["tiny"]["unet"] | {"in_channels": 16},
        "adapter": None,
    }
    build_model({k: v for k, v in sizes.items() if v is not None}, "other").save_pretrained(other)
    with pytest.raises(SystemExit, match="has other weights than"):
        MEAN["main"](tmp_path / "out", [other, checkpoints[0]])
    assert not (tmp_path / "out").exists()
    with pytest.raises(SystemExit, match="exists already"):
        MEAN["main"](other, checkpoints)
