# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plain graphs compute the same, in operators that OpenCV reads."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers.folded_models import randomised
from onnx import TensorProto, helper, numpy_helper

from jasmine_core.artifacts.reference_output import reference_image
from jasmine_core.errors import ConfigError, ExportError
from jasmine_core.export.folded_upsampling import FoldedUpsampling
from jasmine_core.export.onnx import export_onnx
from jasmine_core.export.plain import OPSET, plain_graph
from jasmine_core.model.convex_upsampling import ConvexUpsampling
from jasmine_core.model.presets import PRESETS, build_model

pytest.importorskip("onnxscript")

RNG = np.random.default_rng(0)
UNKNOWN_TO_OPENCV = {"Clip", "Gelu", "LayerNormalization", "Squeeze", "Unsqueeze", "DepthToSpace"}


def numbers(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def graph(nodes, inputs, output, constants):
    """Return a model of opset 20; inputs and the output are shapes by name."""
    values = {k: helper.make_tensor_value_info(k, TensorProto.FLOAT, v) for k, v in inputs.items()}
    ((name, shape),) = output.items()
    result = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    weights = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    body = helper.make_graph(nodes, "test", list(values.values()), [result], weights)
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model, strict_mode=True)


def run(model, inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, inputs)[0]


def run_opencv(model, inputs):
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
    for name, values in inputs.items():
        net.setInput(values, name)
    return net.forward().copy()


node = helper.make_node
CASES = {
    "clip": (
        [node("Clip", ["x", "low", "high"], ["y"])],
        {"x": (1, 2, 4, 6)},
        {"y": (1, 2, 4, 6)},
        {"low": np.float32(-0.5), "high": np.float32(0.7)},
    ),
    "clip below": (
        [node("Clip", ["x", "low"], ["y"])],
        {"x": (1, 2, 4, 6)},
        {"y": (1, 2, 4, 6)},
        {"low": np.float32(0.2)},
    ),
    "clip above": (
        [node("Clip", ["x", "", "high"], ["y"])],
        {"x": (1, 2, 4, 6)},
        {"y": (1, 2, 4, 6)},
        {"high": np.float32(0.2)},
    ),
    "gelu": ([node("Gelu", ["x"], ["y"])], {"x": (1, 12, 8)}, {"y": (1, 12, 8)}, {}),
    "layer norm": (
        [node("LayerNormalization", ["x", "scale", "bias"], ["y"], axis=-1, epsilon=1e-5)],
        {"x": (1, 12, 8)},
        {"y": (1, 12, 8)},
        {"scale": numbers(8), "bias": numbers(8)},
    ),
    "depth to space": (
        [node("DepthToSpace", ["x"], ["y"], blocksize=4, mode="CRD")],
        {"x": (1, 16, 3, 5)},
        {"y": (1, 1, 12, 20)},
        {},
    ),
    "constant times matrix": (
        [node("MatMul", ["weights", "x"], ["y"])],
        {"x": (1, 6, 20)},
        {"y": (1, 4, 20)},
        {"weights": numbers(4, 6)},
    ),
    "scale of a map": (
        [node("ReduceMean", ["x", "axes"], ["s"], keepdims=1), node("Mul", ["x", "s"], ["y"])],
        {"x": (1, 1, 6, 8)},
        {"y": (1, 1, 6, 8)},
        {"axes": np.array([2, 3], np.int64)},
    ),
    "split": (
        [
            node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
            node("Mul", ["a", "b"], ["y"]),
        ],
        {"x": (1, 6, 4, 5)},
        {"y": (1, 3, 4, 5)},
        {},
    ),
    "shared constant": (
        [node("Mul", ["x", "c"], ["a"]), node("Add", ["a", "c"], ["y"])],
        {"x": (1, 2, 4, 5)},
        {"y": (1, 2, 4, 5)},
        {"c": np.float32([0.3])},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_plain_operators_compute_the_same(case):
    model = graph(*CASES[case])
    inputs = {name: numbers(*shape) for name, shape in CASES[case][1].items()}
    plain = plain_graph(model)
    expected = run(model, inputs)
    assert expected.std() > 1e-3
    for got in (run(plain, inputs), run_opencv(plain, inputs)):
        np.testing.assert_allclose(got.reshape(expected.shape), expected, rtol=1e-5, atol=2e-6)
    assert not {n.op_type for n in plain.graph.node} & UNKNOWN_TO_OPENCV


@pytest.mark.parametrize(
    ("nodes", "inputs", "output", "constants", "reason"),
    [
        (
            [node("DepthToSpace", ["x"], ["y"], blocksize=2, mode="DCR", name="up")],
            {"x": (1, 4, 3, 5)},
            {"y": (1, 1, 6, 10)},
            {},
            "up rearranges depth in mode DCR",
        ),
        (
            [node("LayerNormalization", ["x", "scale"], ["y"], axis=1, name="norm")],
            {"x": (1, 2, 3)},
            {"y": (1, 2, 3)},
            {"scale": numbers(2, 3)},
            "norm normalises other axes",
        ),
        (
            [node("Add", ["x", "z"], ["y"], name="sum")],
            {"x": (1, 2, 3, 4), "z": (1, 1, 3, 4)},
            {"y": (1, 2, 3, 4)},
            {},
            r"sum combines shapes \[1, 1, 3, 4\] and \[1, 2, 3, 4\]",
        ),
    ],
)
def test_operators_without_a_plain_form_are_refused(nodes, inputs, output, constants, reason):
    with pytest.raises(ExportError, match=reason):
        plain_graph(graph(nodes, inputs, output, constants))


def test_tiny_model_is_exported_in_plain_operators(tmp_path):
    size = (64, 64)
    model = randomised(build_model(PRESETS["tiny"], "a test"), 0.02)
    (whole,) = export_onnx(model, tmp_path / "onnx", size=size)
    (file,) = export_onnx(model, tmp_path / "plain", size=size, plain=True)
    plain = onnx.load(file)
    assert [(o.domain, o.version) for o in plain.opset_import] == [("", OPSET)] and OPSET <= 13
    nodes = plain.graph.node
    assert not {n.op_type for n in nodes} & UNKNOWN_TO_OPENCV
    assert len({n.name for n in nodes}) == len(nodes)
    constants = {weight.name for weight in plain.graph.initializer}
    uses = Counter(name for n in nodes for name in n.input)
    assert {uses[name] for name in constants} == {1}
    net = cv2.dnn.readNetFromONNX(str(file))
    image = reference_image(size)[None]
    net.setInput(image, "image")
    expected = onnxruntime.InferenceSession(whole).run(["ssi", "depth"], {"image": image})
    for got, wanted in zip(net.forward(["ssi", "depth"]), expected, strict=True):
        assert wanted.std() > 1e-4
        np.testing.assert_allclose(got, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize("options", [{"split": True}, {"precision": "fp16"}])
def test_plain_graph_is_one_file_in_fp32(options, checkpoint, tmp_path, make_model):
    with pytest.raises(ConfigError, match="a plain graph is one file in fp32"):
        export_onnx(make_model(), tmp_path, size=(64, 64), plain=True, **options)


def test_folded_upsampling_equals_the_layer():
    torch.manual_seed(0)
    layer = ConvexUpsampling(6, 4).double()
    values, hidden = torch.randn(2, 1, 5, 7).double(), 20 * torch.randn(2, 6, 5, 7).double()
    expected = layer(values, hidden)
    assert expected.std() > 0.1
    torch.testing.assert_close(FoldedUpsampling(layer)(values, hidden), expected)
