# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Accuracy check against the fp32 reference, and precision fallback.

The checked graphs run in ONNX Runtime, where half precision overflows as on a GPU.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.engine_graphs import SIZE, write_export
from helpers.log_lines import log_lines

from jasmine_core.artifacts.card import SPLIT
from jasmine_core.config import read_config, write_config
from jasmine_core.engines.accuracy import WORST, Accuracy, Error, Tolerance, error_of, measure
from jasmine_core.engines.precision_fallback import (
    FP32_LAYERS,
    HALF,
    LEVELS,
    SINGLE,
    choose_levels,
)
from jasmine_core.engines.reference_outputs import OnnxStage, make_reference, read_reference
from jasmine_core.engines.sample_images import sample_images
from jasmine_core.errors import EngineError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

STAGES = [Path(file).stem for file in SPLIT]


def stages_of(folders: dict[str, Path], levels: dict[str, str]) -> dict[str, OnnxStage]:
    return {stage: OnnxStage(folders[levels[stage]] / f"{stage}.onnx") for stage in STAGES}


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Return the folder of each level, with graphs whose U-Net overflows in half precision."""
    root = tmp_path_factory.mktemp("exports")
    return {level: write_export(root / level, level, hot=["unet"]) for level in LEVELS}


@pytest.fixture(scope="module")
def reference(exports):
    graphs = [exports[SINGLE] / file for file in SPLIT]
    return make_reference("a model", graphs, sample_images(SIZE, 3))


def test_single_precision_equals_itself(exports, reference):
    report = measure(stages_of(exports, dict.fromkeys(STAGES, SINGLE)), reference)
    assert report.passed
    assert (report.images, list(report.stages), list(report.whole)) == (
        3,
        STAGES,
        ["ssi", "depth"],
    )
    assert all(error.max == 0 for error in report.whole.values())


def test_overflow_is_found_only_in_its_own_stage(exports, reference):
    report = measure(stages_of(exports, dict.fromkeys(STAGES, HALF)), reference)
    assert not report.passed
    assert report.stages["unet"]["v"] == Error(WORST, WORST, WORST, WORST)
    assert report.whole["depth"].mean == WORST
    for stage in ("encoder", "decoder"):  # their inputs are the tensors of the reference
        assert 0 < report.excess(stage) < 0.5


def test_only_the_failing_stage_falls_back(exports, reference):
    with log_lines() as lines:
        levels, report = choose_levels(
            STAGES, lambda chosen: measure(stages_of(exports, chosen), reference)
        )
    assert levels == {"encoder": HALF, "unet": FP32_LAYERS, "decoder": HALF}
    assert report.passed
    assert 0 < report.whole["depth"].p99 < Tolerance().p99
    assert len(lines) == 1
    assert lines[0].startswith("unet in fp16 has ")
    assert lines[0].endswith("falling back to mixed")


def test_fallback_skips_levels_that_are_not_available(exports, reference):
    levels, _ = choose_levels(
        STAGES,
        lambda chosen: measure(stages_of(exports, chosen), reference),
        available=[HALF, SINGLE],
    )
    assert levels["unet"] == SINGLE


def test_engines_that_never_pass_are_refused(exports, reference):
    with pytest.raises(EngineError, match="even in mixed and are not used"):
        choose_levels(
            STAGES,
            lambda chosen: measure(stages_of(exports, chosen), reference, Tolerance(1e-9, 1e-9)),
            available=[HALF, FP32_LAYERS],
        )
    with pytest.raises(EngineError, match="there are no fp16 graphs, only fp32"):
        choose_levels(STAGES, lambda chosen: pytest.fail("was checked"), available=[SINGLE])


def test_stage_with_the_largest_error_falls_back_if_only_the_whole_network_fails():
    def check(levels):
        good = levels["unet"] != HALF
        part = {
            stage: {"x": Error(0, 0.001 * (i + (stage == "unet") * 5), 0)}
            for i, stage in enumerate(STAGES)
        }
        whole = {"depth": Error(0, 0.0 if good else 1.0, 0)}
        return Accuracy(good, 1, Tolerance(), part, whole)

    levels, _ = choose_levels(STAGES, check)
    assert levels == {"encoder": HALF, "unet": FP32_LAYERS, "decoder": HALF}


def test_errors_are_shares_of_the_mean_magnitude_of_the_reference():
    expected = np.full((2, 1, 2, 10, 10), 4, np.float32)
    output = expected.copy()
    output[0, 0, 0, 0, 0] += 2
    error = error_of("depth", output, expected)
    assert error == pytest.approx(Error(0.5, 0.5 / 400, 0.0, 0.5 / 400))
    assert error_of("ssi", output, expected).abs_rel == 0
    assert error_of("depth", 3 * output, 3 * expected) == pytest.approx(error)


def test_a_nan_in_the_depth_is_the_worst_error():
    expected = np.ones((1, 1, 1, 4, 4), np.float32)
    output = expected.copy()
    output[0, 0, 0, 1, 1] = np.nan
    assert error_of("depth", output, expected).excess(Tolerance()) > 1e30


def test_report_is_written_and_read_as_valid_json(tmp_path, exports, reference):
    report = measure(stages_of(exports, dict.fromkeys(STAGES, HALF)), reference)
    write_config(report, tmp_path / "accuracy.json")
    assert read_config(Accuracy, tmp_path / "accuracy.json") == report
    assert "Infinity" not in (tmp_path / "accuracy.json").read_text()


def test_reference_is_read_back_and_a_damaged_one_is_refused(tmp_path, reference):
    file = tmp_path / "reference.npz"
    reference.save(file)
    again = read_reference(file)
    assert again.model == reference.model
    assert all(np.array_equal(again.maps[name], reference.maps[name]) for name in reference.maps)
    assert again.tensors(1)["image"].max() <= 1

    file.write_bytes(file.read_bytes()[:-200])
    assert not zipfile.is_zipfile(file)
    with pytest.raises(EngineError, match=r"reference\.npz cannot be read.*delete it"):
        read_reference(file)


def test_sample_images_differ():
    images = sample_images((64, 32), 4)
    assert images.shape == (4, 3, 32, 64)
    assert all((images[0] != other).any() for other in images[1:])
    assert 20 < images.mean() < 235
