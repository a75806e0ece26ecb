# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Preparation of engines: build, accuracy check, precision fallback and activation.

TensorRT for RTX builds every engine ahead of time. As there is no GPU to run them, the accuracy
check runs on their graphs in ONNX Runtime.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.engine_graphs import SIZE, rtx_library, write_export
from helpers.log_lines import log_lines

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.config import read_config
from jasmine_core.engines import validated_set as engine_set
from jasmine_core.engines.accuracy import Accuracy
from jasmine_core.engines.cache import PLAN
from jasmine_core.engines.gpu import Gpu, find_gpu
from jasmine_core.engines.graphs import EngineGraphs
from jasmine_core.engines.precision_fallback import HALF, LEVELS, SINGLE
from jasmine_core.engines.prepare import ACCURACY, EnginePreparation
from jasmine_core.engines.reference_outputs import OnnxStage
from jasmine_core.engines.validated_set import EngineSet, ready_engine, target_of
from jasmine_core.errors import ConfigError, EngineError, ExportError

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.rtx

ADA = Gpu("NVIDIA GeForce RTX 4090", "8.9", 24 << 30, "13.0")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def library():
    return rtx_library()


@pytest.fixture
def exports(tmp_path):
    root = tmp_path / "exports"
    for level in LEVELS:
        write_export(root / f"128x64-{level}", level, hot=["unet"])
    return root


class Preparation:
    """Preparation of engines for an Ada GPU that stores the logged messages."""

    def __init__(self, library, exports: Path) -> None:
        self.lines: list[str] = []
        graphs = EngineGraphs(Exports(Checkpoint.resolve(exports)))
        target = target_of(library, ADA)
        self.real = EnginePreparation(graphs, library, target)

    def validate(self, load=None) -> EngineSet:
        with log_lines() as lines:
            found = self.real.validate(load or graphs_as_stages, ADA.name)
        self.lines += lines
        return found

    @property
    def builds(self) -> int:
        return sum(" built in " in line for line in self.lines)


def graphs_as_stages(engines):
    return {stage: OnnxStage(engine.graph) for stage, engine in engines.items()}


def on(monkeypatch, gpu: Gpu | None):
    monkeypatch.setattr(engine_set, "find_gpu", lambda: gpu)


def test_engines_are_built_with_precision_fallback_and_then_reused(library, exports, monkeypatch):
    first = Preparation(library, exports)
    found = first.validate()
    assert found.accuracy.precision == {
        "encoder": HALF,
        "unet": "mixed",
        "decoder": HALF,
    }
    assert first.builds == 4  # three stages, and the U-Net again after its fallback

    second = Preparation(library, exports)
    assert second.validate() == found
    assert second.builds == 0

    on(monkeypatch, ADA)
    assert ready_engine(Checkpoint.resolve(exports)) == found
    plans = found.plans()
    assert list(plans) == ["encoder", "unet", "decoder"]
    assert all(len(plan) > 1000 for plan in plans.values())


def test_accuracy_report_is_saved_beside_each_engine(library, exports, cache):
    found = Preparation(library, exports).validate()
    for engine in found.engines.values():
        report = read_config(Accuracy, cache / "engines" / engine.name / ACCURACY)
        assert report == found.accuracy
    failed = [
        read_config(Accuracy, file)
        for file in (cache / "engines").glob(f"unet-128x64-fp16-sm*/{ACCURACY}")
    ]
    assert [report.passed for report in failed] == [False]


def test_engines_that_fail_are_never_activated(library, exports, monkeypatch, cache):
    def overflows_always(engines):
        unet = OnnxStage(exports / "128x64-fp16" / "unet.onnx")
        return graphs_as_stages(engines) | {"unet": unet}

    with pytest.raises(EngineError, match="even in fp32 and are not used"):
        Preparation(library, exports).validate(overflows_always)
    assert not (cache / "validated").exists()
    on(monkeypatch, ADA)
    assert ready_engine(Checkpoint.resolve(exports)) is None

    passed = Preparation(library, exports).validate()
    failing = replace(passed, accuracy=replace(passed.accuracy, passed=False))
    with pytest.raises(EngineError, match="not activated"):
        failing.save()


def test_engines_serve_only_the_machine_and_model_they_were_validated_for(
    library, exports, monkeypatch
):
    found = Preparation(library, exports).validate()
    on(monkeypatch, ADA)
    assert ready_engine(Checkpoint.resolve(exports), SIZE, HALF) == found
    other = write_export(exports.parent / "other", HALF, model="another model")
    assert ready_engine(Checkpoint.resolve(other)) is None
    assert ready_engine(Checkpoint.resolve(exports), (256, 64)) is None
    assert ready_engine(Checkpoint.resolve(exports), SIZE, SINGLE) is None
    on(monkeypatch, replace(ADA, name="NVIDIA RTX 6000 Ada"))  # they were not validated on it
    assert ready_engine(Checkpoint.resolve(exports)) is None
    on(monkeypatch, replace(ADA, capability="12.0"))
    assert ready_engine(Checkpoint.resolve(exports)) is None
    on(monkeypatch, None)
    assert ready_engine(Checkpoint.resolve(exports)) is None


def test_without_a_gpu_no_engine_is_ready(library, exports):
    Preparation(library, exports).validate()
    assert find_gpu() is None or find_gpu() != ADA
    assert ready_engine(Checkpoint.resolve(exports)) is None


def test_rebuilt_engine_is_validated_again(library, exports, monkeypatch, cache):
    found = Preparation(library, exports).validate()
    on(monkeypatch, ADA)
    plan = cache / "engines" / found.engines["unet"].name / PLAN
    plan.write_bytes(plan.read_bytes()[:-10])
    assert ready_engine(Checkpoint.resolve(exports)) is None
    with pytest.raises(EngineError, match="is damaged"):
        found.plans()

    again = Preparation(library, exports)
    repaired = again.validate()
    assert again.builds == 1
    assert any("is truncated" in line for line in again.lines)
    assert ready_engine(Checkpoint.resolve(exports)) == repaired


def test_graphs_of_different_models_are_refused(library, exports, tmp_path):
    other = write_export(tmp_path / "other", HALF, model="another model")
    shutil.copy(other / "unet.onnx", exports / "128x64-fp16" / "unet.onnx")
    with pytest.raises(EngineError, match=r"unet\.onnx is of another model.*export the"):
        Preparation(library, exports).validate()


def test_size_that_the_model_does_not_support_is_refused(library, exports):
    with pytest.raises(ConfigError, match="size 100x64 px: both sides must be multiples of 32"):
        EngineGraphs(Exports(Checkpoint.resolve(exports)), (100, 64))


def test_error_for_missing_graphs_names_the_export_command(library, exports):
    shutil.rmtree(exports / "128x64-fp32")  # the reference needs it
    with pytest.raises(
        ExportError, match=r"no fp32 export.*jasmine export CHECKPOINT --onnx --split"
    ):
        Preparation(library, exports).validate()


def test_damaged_reference_is_computed_again(library, exports, cache):
    first = Preparation(library, exports)
    first.validate()
    (file,) = (cache / "reference").iterdir()
    file.write_bytes(b"no zip")
    again = Preparation(library, exports)
    again.validate()
    assert any("delete it; it is computed again" in line for line in again.lines)
