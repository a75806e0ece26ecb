# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Exported graphs: what they compute, what they are made of, what they say of themselves."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import torch
from helpers.folded_models import exported_checkpoint, maps, randomised, smooth_image

from jasmine_core import JasmineModel
from jasmine_core.artifacts.card import matches, read_card
from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.export.checkpoint import export_checkpoint

onnx_ir = pytest.importorskip("onnx_ir")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

from jasmine_core.export.check_graph import check_graph  # noqa: E402
from jasmine_core.export.onnx import export_onnx  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def checkpoint(make_model, tmp_path_factory):
    return exported_checkpoint(make_model, tmp_path_factory.mktemp("exported"))


@pytest.fixture(scope="module")
def whole(checkpoint):
    """Return the folder of a float32 export in one graph, for 128x64 px."""
    return checkpoint / "onnx" / "128x64-fp32"


@pytest.fixture(scope="module")
def half(checkpoint, tmp_path_factory):
    """Return the folder of a float16 export in three graphs, for 64x64 px."""
    model = JasmineModel.from_pretrained(checkpoint)
    folder = tmp_path_factory.mktemp("half")
    fp32_layers = frozenset({"unet.mid_block"})
    export_onnx(model, folder, size=(64, 64), precision="fp16", fp32_layers=fp32_layers, split=True)
    return folder


def run(folder, image):
    """Run the graphs of a folder one after another; return every tensor between them."""
    tensors = {"image": image.numpy()}
    for file in read_card(folder).graphs:
        session = onnxruntime.InferenceSession(folder / file)
        inputs = {i.name: tensors[i.name] for i in session.get_inputs()}
        outputs = [o.name for o in session.get_outputs()]
        tensors |= dict(zip(outputs, session.run(outputs, inputs), strict=True))
    return tensors


def difference(folder, checkpoint, width, height):
    image = smooth_image(width, height)
    tensors = run(folder, image)
    expected = maps(JasmineModel.from_pretrained(checkpoint), image).numpy()
    got = np.concatenate([tensors["ssi"], tensors["depth"]], axis=1)
    assert got.dtype == np.float32
    assert got.shape == expected.shape == (1, 3, height, width)
    return np.abs(got - expected).max() / np.abs(expected).max()


# ---------------------------------------------------------------------------- what they compute


def test_one_graph_answers_as_the_model(whole, checkpoint):
    assert difference(whole, checkpoint, 128, 64) < 1e-4


def test_three_graphs_in_half_precision_answer_nearly_so(half, checkpoint):
    assert 1e-7 < difference(half, checkpoint, 64, 64) < 3e-2


# ---------------------------------------------------------------------------- what they are


def load(file):
    return onnx_ir.load(file)


def types(model, operator):
    return Counter(node.outputs[0].dtype.name for node in model.graph if node.op_type == operator)


def test_types_are_as_intended(whole, half):
    model = load(whole / "jasmine.onnx")
    check_graph(model, "fp32")
    assert set(types(model, "Conv")) == {"FLOAT"}
    for name in ("encoder", "unet", "decoder"):
        model = load(half / f"{name}.onnx")
        check_graph(model, "fp16", fp32_layers=True)
        if name != "unet":
            check_graph(model, "fp16")
        # The norms compute in float32; work is in float16.
        assert set(types(model, "InstanceNormalization")) == {"FLOAT"}
        assert types(model, "Conv")["FLOAT16"] > types(model, "Conv")["FLOAT"]
    # The attention over all pixels of the refiner does too.
    assert types(load(half / "decoder.onnx"), "Softmax")["FLOAT"] == 2
    # The fp32 fallback layer that was asked for: two residual blocks in the middle of the U-Net.
    assert types(load(half / "unet.onnx"), "Conv")["FLOAT"] == 4
    assert types(load(half / "decoder.onnx"), "Conv")["FLOAT"] == 0


def test_nothing_is_left_of_the_time_the_text_or_the_task(whole, checkpoint):
    model = load(whole / "jasmine.onnx")
    assert [value.name for value in model.graph.inputs] == ["image"]
    assert [value.name for value in model.graph.outputs] == ["ssi", "depth"]
    weights = sum(w.const_value.size for w in model.graph.initializers.values())
    before = sum(p.numel() for p in JasmineModel.from_pretrained(checkpoint).parameters())
    assert weights < 0.95 * before
    gone = ("time_emb", "class_emb", "attn2.to_", "quant_conv", "_query")
    assert not [name for name in model.graph.initializers if any(g in name for g in gone)]


def test_files_tell_nothing_of_the_machine(whole, half):
    for file in (whole / "jasmine.onnx", half / "unet.onnx"):
        content = file.read_bytes()
        assert b"site-packages" not in content
        assert b".py" not in content


def test_layers_bear_the_names_of_their_modules(half):
    names = [node.name for node in load(half / "unet.onnx").graph]
    assert len(set(names)) == len(names)
    assert any("mid_block" in name for name in names)


@pytest.mark.slow
def test_equal_models_give_equal_files(make_model, tmp_path):
    files = [
        export_onnx(randomised(make_model()), tmp_path / name, size=(64, 64))[0] for name in "ab"
    ]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_transposed_upsampling_is_exported(checkpoint, tmp_path):
    folder = export_checkpoint(Checkpoint.resolve(checkpoint), tmp_path, transposed=True)
    assert difference(folder, checkpoint, 128, 64) < 1e-4
    kinds = Counter(node.op_type for node in load(folder / "jasmine.onnx").graph)
    assert kinds["ConvTranspose"] == 6  # three of the U-Net, three of the decoder
    assert kinds["Resize"] == 3  # the refiner's context, bilinear


# ---------------------------------------------------------------------------- what they say


def test_card_and_metadata_agree(whole, checkpoint):
    card = read_card(whole)
    assert card.model == Checkpoint.resolve(checkpoint).fingerprint
    assert (card.size, card.precision, card.metres_per_unit) == ((128, 64), "fp32", 2.5)
    assert "smallest" in card.description
    session = onnxruntime.InferenceSession(whole / "jasmine.onnx")
    metadata = session.get_modelmeta().custom_metadata_map
    assert matches(card, metadata)
    assert metadata["jasmine.metres_per_unit"] == "2.5"
    assert metadata["jasmine.units"].startswith("metres")
    assert not matches(card, metadata | {"jasmine.model": "another"})


def test_fp32_layers_are_told(half):
    assert read_card(half).fp32_layers == ("unet.mid_block",)
    assert json.loads((half / "export.json").read_text())["fp32_layers"] == ["unet.mid_block"]
    metadata = onnx_ir.load(half / "unet.onnx").metadata_props
    assert metadata["jasmine.fp32_layers"] == "unet.mid_block"
    assert metadata["jasmine.graphs"] == "encoder.onnx unet.onnx decoder.onnx"


@pytest.mark.parametrize("size", [(100, 64), (128, 0), (-64, 64)])
def test_sizes_that_cannot_be(make_model, tmp_path, size):
    with pytest.raises(ConfigError, match=f"{size[0]}x{size[1]} px .* multiples of 64"):
        export_onnx(make_model(), tmp_path, size=size)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------------- the lint


def graph(node_type, inputs=1, dtype=None, shape=(1, 2), domain="", opset=20):
    """Make a graph of one node."""
    dtype = dtype or onnx_ir.DataType.FLOAT
    values = [
        onnx_ir.Value(name=f"x{i}", type=onnx_ir.TensorType(dtype), shape=onnx_ir.Shape(shape))
        for i in range(inputs)
    ]
    node = onnx_ir.node(node_type, values, domain=domain, name="layer")
    node.outputs[0].name = "y"
    node.outputs[0].type = onnx_ir.TensorType(dtype)
    node.outputs[0].shape = onnx_ir.Shape(shape)
    built = onnx_ir.Graph(
        values, node.outputs, nodes=[node], opset_imports={domain or "": opset}, name="g"
    )
    return onnx_ir.Model(built, ir_version=10)


def test_lint_takes_what_is_sound():
    check_graph(graph("Add", inputs=2), "fp32")


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (graph("NonZero"), "layer: operator NonZero"),
        (graph("Shape"), "layer: operator Shape"),
        (graph("Add", inputs=2, domain="com.microsoft"), "com.microsoft"),
        (graph("Add", inputs=2, opset=21), "opset 21"),
        (graph("Relu", shape=("n", 2)), "y has shape"),
        (graph("Relu", dtype=onnx_ir.DataType.DOUBLE), "y is DOUBLE"),
        (graph("Relu", dtype=onnx_ir.DataType.FLOAT16), "FLOAT16"),
    ],
    ids=["counts", "asks for a shape", "foreign", "too new", "open", "double", "half"],
)
def test_lint_refuses(model, complaint):
    with pytest.raises(ExportError, match=complaint):
        check_graph(model, "fp32")


def test_lint_refuses_mixed_types():
    model = graph("Add", inputs=2)
    model.graph.inputs[1].type = onnx_ir.TensorType(onnx_ir.DataType.FLOAT16)
    with pytest.raises(ExportError, match="mixes FLOAT and FLOAT16"):
        check_graph(model, "fp16")


def test_lint_refuses_sizes_that_are_computed():
    model = graph("Reshape", inputs=2)
    model.graph.inputs[1].type = onnx_ir.TensorType(onnx_ir.DataType.INT64)
    with pytest.raises(ExportError, match="layer: x1 is computed"):
        check_graph(model, "fp32")


def test_lint_refuses_a_forgotten_convolution():
    with pytest.raises(ExportError, match="convolution in float32"):
        check_graph(graph("Conv", inputs=2), "fp16")
    check_graph(graph("Conv", inputs=2), "fp16", fp32_layers=True)


def test_card_is_plain_json(whole):
    assert json.loads((whole / "export.json").read_text())["multiple"] == 64


@pytest.mark.parametrize("split", [False, True], ids=["whole", "split"])
def test_an_adapter_is_part_of_the_graphs(split, tmp_path):
    model = randomised(JasmineModel.from_preset("tiny"), 0.02)
    export_onnx(model, tmp_path, size=(128, 64), split=split)
    image = smooth_image(128, 64)
    tensors, expected = run(tmp_path, image), maps(model, image).numpy()
    assert np.abs(tensors["ssi"] - expected[:, :1]).max() < 1e-4
    assert np.abs(tensors["depth"] - expected[:, 1:]).max() < 1e-3
