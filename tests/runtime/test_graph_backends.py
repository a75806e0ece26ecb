# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backends of ONNX Runtime and OpenVINO: outputs equal to those of torch, without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.camera_bags import frames, write_bag
from helpers.folded_models import exported_checkpoint

from jasmine_core import DepthPredictor
from jasmine_core.artifacts.card import read_card, write_card
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.errors import CheckpointError, ConfigError, ExportError
from jasmine_core.runtime.backend import choose_backend, load_backend
from jasmine_core.runtime.predictor import best_size

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

SIZE = (128, 64)  # of the export


@pytest.fixture(scope="module")
def exported(make_model, tmp_path_factory) -> Path:
    """Return a checkpoint folder with an export inside it."""
    return exported_checkpoint(make_model, tmp_path_factory.mktemp("exported"))


@pytest.fixture
def alone(exported, tmp_path) -> Path:
    """Return a folder of exports without a checkpoint."""
    return Path(shutil.copytree(exported / "onnx", tmp_path / "exports"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def image(width: int = 256, height: int = 128) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3))
    return (noise + (rows + columns)[..., None] * 190 // (width + height)).astype(np.uint8)


# ---------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_outputs_agree_with_torch(exported, backend):
    pytest.importorskip(backend)
    image = np.random.default_rng(1).random((3, 64, 128), np.float32)
    reference = load_backend(Checkpoint.resolve(exported), "torch", "cpu", "fp32")
    graph = load_backend(Checkpoint.resolve(exported), backend, "auto", "auto")
    expected, got = reference(image), graph(image)
    assert expected.depths.std() > 1e-3
    for ours, theirs in ((got.depths, expected.depths), (got.ssi, expected.ssi)):
        assert ours.shape == theirs.shape and ours.dtype == np.float32
        assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()
    ours, theirs = graph.info, reference.info
    assert (ours.name, ours.device, ours.precision) == (backend, "cpu", "fp32")
    for field in ("model", "nominal_size", "metres_per_unit", "multiple"):
        assert getattr(ours, field) == getattr(theirs, field)
    again = graph(image[:, ::-1].copy())
    assert not np.array_equal(again.depths, got.depths)
    assert np.abs(got.depths - expected.depths).max() < 1e-3  # not overwritten by the next image


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny", "medium"])
@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_presets_agree_with_torch(preset, backend, cache, tmp_path_factory, monkeypatch):
    pytest.importorskip(backend)
    shared = tmp_path_factory.getbasetemp() / "shared_cache"  # exported once for both backends
    monkeypatch.setenv("JASMINE_CACHE", str(shared))
    name = f"random:{preset}"
    graph = load_backend(Checkpoint.resolve(name), backend, "cpu", "fp32")
    width, height = graph.info.nominal_size
    image = np.random.default_rng(1).random((3, height, width), np.float32)
    expected, got = (
        load_backend(Checkpoint.resolve(name), "torch", "cpu", "fp32")(image),
        graph(image),
    )
    for ours, theirs in ((got.depths, expected.depths), (got.ssi, expected.ssi)):
        assert np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()


# ---------------------------------------------------------------------------- without torch


PREDICT = """
import sys
import numpy as np
from jasmine_core import DepthPredictor

predictor = DepthPredictor.from_pretrained(sys.argv[1], backend=sys.argv[2])
prediction = predictor(np.zeros((64, 128, 3), np.uint8))
assert predictor.backend.info.name == "onnxruntime"
assert np.isfinite(prediction.depth).all()
heavy = {"torch", "diffusers", "onnx", "onnxscript"} & set(sys.modules)
assert not heavy, heavy
"""
RUN = """
import sys
from jasmine_ros.cli import main

assert main(["run", *sys.argv[1:]]) == 0
heavy = {"torch", "diffusers", "onnx", "onnxscript"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize("backend", ["onnxruntime", "auto"])
def test_prediction_does_not_import_torch(exported, backend):
    command = [sys.executable, "-c", PREDICT, str(exported), backend]
    subprocess.run(command, check=True, timeout=120)


def test_jasmine_run_does_not_import_torch(exported, tmp_path):
    bag = write_bag(tmp_path / "bag", frames(3))
    out = tmp_path / "out"
    options = [str(bag), "-o", str(out), "--checkpoint", str(exported), "--resize", "stretch"]
    command = [sys.executable, "-c", RUN, *options, "--backend", "onnxruntime"]
    subprocess.run(command, check=True, timeout=120)
    report = json.loads((out / "report.json").read_text())
    assert report["model"]["backend"] == "onnxruntime"
    assert report["frames"]["processed"] > 0


# ---------------------------------------------------------------------------- choice of export


def test_auto_chooses_onnxruntime_if_an_export_exists(exported, checkpoint):
    assert choose_backend(Checkpoint.resolve(exported), "cpu") == "onnxruntime"
    assert choose_backend(Checkpoint.resolve(checkpoint), "cpu") == "torch"


def test_export_of_older_weights_is_not_used(exported, tmp_path):
    trained = Path(shutil.copytree(exported, tmp_path / "trained"))
    assert [card.size for _, card in Exports(Checkpoint.resolve(trained))] == [SIZE]
    weights = trained / "ssg" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert list(Exports(Checkpoint.resolve(trained))) == []


def test_export_with_another_scale_is_not_used(exported, tmp_path):
    scaled = Path(shutil.copytree(exported, tmp_path / "scaled"))
    file = scaled / "jasmine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"metres_per_unit": 7.0}))
    assert list(Exports(Checkpoint.resolve(scaled))) == []
    assert Exports(Checkpoint.resolve(scaled)).card("fp32").metres_per_unit == 7.0


def test_folder_of_exports_can_be_used_as_a_checkpoint(alone):
    predictor = DepthPredictor.from_pretrained(alone, backend="onnxruntime")
    assert predictor.backend.info.sizes == (SIZE,)
    assert predictor.metres_per_unit == 2.5
    prediction = predictor(image(640, 480))  # letterboxed into the only exported size
    assert prediction.depth.shape == (480, 640)
    assert prediction.network_size == SIZE
    single = DepthPredictor.from_pretrained(alone / "128x64-fp32", backend="onnxruntime")
    np.testing.assert_array_equal(single(image(640, 480)).depth, prediction.depth)


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_missing_size_is_refused_before_the_first_image(alone, backend):
    pytest.importorskip(backend)
    words = (
        rf"64x64 px: the {backend} backend has this model only for 128x64 px; "
        r"export the missing size with `jasmine export CHECKPOINT --onnx --size 64 64`"
    )
    with pytest.raises(ConfigError, match=words) as refusal:
        DepthPredictor.from_pretrained(alone, backend=backend, size=(64, 64))
    assert "\n" not in str(refusal.value)
    assert DepthPredictor.from_pretrained(alone, backend=backend, size=SIZE).size == SIZE


def test_missing_precision_is_refused_before_the_first_image(alone):
    card = alone / "128x64-fp32" / "export.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"precision": "fp16"}))
    with pytest.raises(ExportError, match=r"no export for fp32 \(it has: .*\).*jasmine export"):
        DepthPredictor.from_pretrained(alone, backend="onnxruntime")


def test_best_size_has_the_smallest_margins():
    assert best_size((1242, 375), [(512, 512), (1024, 320), (64, 192)]) == (1024, 320)
    assert best_size((640, 480), [(512, 512), (1024, 320), (64, 192)]) == (512, 512)
    assert best_size((480, 640), [(512, 512), (1024, 320), (384, 512)]) == (384, 512)


@pytest.mark.slow
def test_missing_export_is_made_once(checkpoint, cache, caplog):
    predictor = DepthPredictor.from_pretrained(checkpoint, backend="onnxruntime", size=(64, 64))
    first = predictor(image()).depth
    assert [r.getMessage() for r in caplog.records if "exporting" in r.getMessage()] == [
        f"{checkpoint}: exporting to ONNX for 64x64 px in fp32; this happens once"
    ]
    assert not (checkpoint / "onnx").exists()
    assert list(cache.glob("onnx/*/64x64-fp32/jasmine.onnx"))
    caplog.clear()
    again = DepthPredictor.from_pretrained(checkpoint, backend="onnxruntime", size=(64, 64))
    np.testing.assert_array_equal(again(image()).depth, first)
    assert not caplog.records


@pytest.mark.slow
def test_no_image_makes_an_export(checkpoint, cache, caplog):
    predictor = DepthPredictor.from_pretrained(checkpoint, backend="onnxruntime")
    (size,) = predictor.backend.info.sizes  # of the checkpoint
    caplog.clear()
    for width, height in ((160, 96), (96, 160), (300, 100)):
        assert predictor(image(width, height)).network_size == size
    with pytest.raises(ExportError, match=r"no export for 64x64 px .* none is made for an image"):
        predictor.backend(np.zeros((3, 64, 64), np.float32))
    assert "exporting" not in caplog.text and len(list(cache.glob("onnx/*/*"))) == 1


def test_a_graph_that_cannot_be_read_is_opened_once(alone, monkeypatch):
    predictor = DepthPredictor.from_pretrained(alone, backend="onnxruntime")
    opened = []

    def fail(file, card):
        opened.append(file)
        raise ExportError("cannot be loaded")

    monkeypatch.setattr(predictor.backend, "_open", fail)
    for _ in range(3):
        with pytest.raises(ExportError, match="cannot be loaded"):
            predictor(image())
    assert len(opened) == 1


# ---------------------------------------------------------------------------- errors


def test_truncated_graph_is_refused(alone, caplog):
    graph = alone / "128x64-fp32" / "jasmine.onnx"
    graph.write_bytes(graph.read_bytes()[:5000])
    with pytest.raises(ExportError, match=r"has no export for fp32 .*jasmine export"):
        DepthPredictor.from_pretrained(alone, backend="onnxruntime")(image())
    assert "128x64-fp32 is not used: its graphs are not those" in caplog.text
    assert "export it again" in caplog.text


def test_graph_that_the_runtime_cannot_read_is_refused(alone):
    folder = alone / "128x64-fp32"
    graph = folder / "jasmine.onnx"
    graph.write_bytes(graph.read_bytes()[:5000])
    write_card(read_card(folder), folder)  # The hashes are those of the truncated graph.
    with pytest.raises(ExportError, match=r"jasmine\.onnx cannot be loaded .*export it again"):
        DepthPredictor.from_pretrained(alone, backend="onnxruntime")(image())


def test_graph_of_another_model_is_refused(alone):
    card = alone / "128x64-fp32" / "export.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"model": "0" * 64}))
    with pytest.raises(ExportError, match=r"is not the graph that .*export\.json describes"):
        DepthPredictor.from_pretrained(alone, backend="onnxruntime")(image())


def test_export_with_an_unreadable_card_is_not_used(exported, tmp_path, caplog):
    broken = Path(shutil.copytree(exported, tmp_path / "broken"))
    (broken / "onnx" / "128x64-fp32" / "export.json").write_text("{")
    assert list(Exports(Checkpoint.resolve(broken))) == []
    assert "is not used" in caplog.text


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("cuda", "auto", "onnxruntime-gpu"),
        ("tpu", "auto", "'tpu' is not"),
        ("cpu", "fp16", "fp16 on cpu; use fp32"),
        ("cpu", "bf16", "bf16"),
    ],
)
def test_unsupported_devices_and_precisions_are_refused(exported, device, precision, message):
    import onnxruntime

    if device == "cuda" and "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(ConfigError, match=message):
        load_backend(Checkpoint.resolve(exported), "onnxruntime", device, precision)


def test_openvino_refuses_other_precisions(exported):
    pytest.importorskip("openvino")
    with pytest.raises(ConfigError, match="not in fp16 on auto"):
        load_backend(Checkpoint.resolve(exported), "openvino", "auto", "fp16")


def test_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        load_backend(Checkpoint.resolve(tmp_path / "nothing"), "onnxruntime", "cpu", "auto")
