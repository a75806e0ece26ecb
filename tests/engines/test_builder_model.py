# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Engines of Jasmine's graphs, built ahead of time by TensorRT for RTX.

The accuracy check runs on the graphs in ONNX Runtime, because no GPU is needed for that.
"""

from __future__ import annotations

import pytest
from helpers.engine_graphs import rtx_library
from helpers.log_lines import log_lines

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.engines.builder import build_engine
from jasmine_core.engines.gpu import Gpu
from jasmine_core.engines.graphs import STAGES, EngineGraphs, sensitive_layers
from jasmine_core.engines.precision_fallback import FP32_LAYERS, HALF, LEVELS, SINGLE
from jasmine_core.engines.prepare import EnginePreparation
from jasmine_core.engines.reference_outputs import OnnxStage
from jasmine_core.engines.validated_set import target_of
from jasmine_core.export.half_precision import in_half
from jasmine_core.export.specialise import specialise

for package in ("onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(package)
pytestmark = pytest.mark.rtx

CAPABILITIES = ["8.6", "8.9", "12.0"]


@pytest.fixture(scope="module")
def library():
    return rtx_library()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("JASMINE_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def graphs(make_model, cache):
    """Return the graphs of the smallest model; each level is exported when it is first used."""
    import torch

    model = make_model()
    with torch.no_grad():  # without it, most depths of an untrained model are clamped to 0
        model.vae.decoder.conv_out.bias += 0.5
    model.save_pretrained(cache / "checkpoint")
    return EngineGraphs(Exports(Checkpoint.resolve(cache / "checkpoint")), (64, 64))


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("level", [SINGLE, HALF])
def test_every_stage_builds(library, graphs, level, capability):
    for stage in STAGES:
        built = build_engine(library, graphs.folder(level) / f"{stage}.onnx", capability)
        assert len(memoryview(built.plan)) > 10_000


def test_half_precision_passes_the_accuracy_check(library, graphs):
    gpu = Gpu("NVIDIA GeForce RTX 4090", "8.9", 24 << 30, "13.0")
    preparation = EnginePreparation(graphs, library, target_of(library, gpu))

    with log_lines() as lines:
        found = preparation.validate(
            lambda engines: {name: OnnxStage(each.graph) for name, each in engines.items()},
            gpu.name,
        )

    assert set(found.accuracy.precision.values()) == {HALF}
    assert 0 < found.accuracy.whole["depth"].mean < 0.005  # 0 would mean that it ran in fp32
    assert found.card.size == (64, 64)
    assert sum(" built in " in line for line in lines) == 3


def test_sensitive_layers_in_fp32_prevent_an_overflow(make_model):
    import torch

    model = make_model()
    with torch.no_grad():  # the norm after it cancels the factor, if nothing overflows before
        model.unet.mid_block.resnets[0].conv1.weight *= 1e7
    network = specialise(model)
    fp32_layers = sensitive_layers(network)
    assert {"unet.mid_block.resnets.0", "unet.conv_out", "decoder.ssg"} <= fp32_layers
    assert {"unet.up_blocks.3.resnets.1", "decoder.vae.mid_block.attentions.0"} <= fp32_layers

    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected, _ = network(image)
        plain, more = (
            in_half(network, kept)(image.half())[0].float() for kept in ((), fp32_layers)
        )
    assert not plain.isfinite().all()
    assert (more - expected).abs().mean() < 0.005


@pytest.mark.slow
def test_tiny_preset_builds_at_every_level_for_every_gpu(library, cache):
    graphs = EngineGraphs(Exports(Checkpoint.resolve("random:tiny")))
    for level in LEVELS:
        for stage in STAGES:
            for capability in CAPABILITIES:
                build_engine(library, graphs.folder(level) / f"{stage}.onnx", capability)
    assert FP32_LAYERS in LEVELS


def test_graphs_with_an_adapter_and_convex_upsampling_build(library, tmp_path):
    import torch

    from jasmine_core.model.jasmine import JasmineModel

    torch.manual_seed(0)
    JasmineModel.from_preset("tiny").save_pretrained(tmp_path / "checkpoint")
    graphs = EngineGraphs(Exports(Checkpoint.resolve(tmp_path / "checkpoint")), (128, 64))
    for stage in STAGES:
        built = build_engine(library, graphs.folder(HALF) / f"{stage}.onnx", "8.9")
        assert len(memoryview(built.plan)) > 10_000
