# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""ONNX graphs of a few layers, with the input and output names of the exported model."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pytest

from jasmine_core.artifacts.card import SPLIT, ExportCard, write_card
from jasmine_core.engines.builder import RTX, Library, find_library
from jasmine_core.errors import EngineError

SIZE = (128, 64)  # (width, height) [px]


def rtx_library() -> Library:
    """Return TensorRT for RTX, which builds engines without a GPU; skip the test without it."""
    try:
        return find_library(RTX)
    except EngineError:
        pytest.skip("tensorrt-rtx is not installed: pip install 'jasmine_ros[rtx]'")


def write_graph(
    file: Path,
    precision: str = "fp32",
    *,
    layers: int = 3,
    gain: float = 0.2,
    wrong_type: bool = False,
    gemm: bool = False,
    height: int | str = 64,
    model: str = "a model",
) -> Path:
    """Write convolutions from `image` to `depth` and `ssi`, float32 at both ends.

    `gain` scales their weights: half precision overflows if it is far above 1. `wrong_type` leaves
    one float32 weight among float16 weights. `gemm` adds a matrix product.
    """
    import onnx

    h, half = onnx.helper, precision != "fp32"
    kind, dtype = (
        (onnx.TensorProto.FLOAT16, np.float16) if half else (onnx.TensorProto.FLOAT, np.float32)
    )
    rng = np.random.default_rng(0)
    weights, nodes, channels = [], [h.make_node("Cast", ["image"], ["x0"], to=kind)], 3
    for i in range(layers):
        kernel = gain * rng.normal(size=(8, channels, 3, 3))
        weights.append(onnx.numpy_helper.from_array(kernel.astype(dtype), f"w{i}"))
        nodes.append(
            h.make_node("Conv", [f"x{i}", f"w{i}"], [f"c{i}"], name=f"conv{i}", pads=[1] * 4)
        )
        nodes.append(h.make_node("Relu", [f"c{i}"], [f"x{i + 1}"]))
        channels = 8
    last = (rng.random((1, 8, 1, 1)) / gain).astype(np.float32 if wrong_type else dtype)
    weights.append(onnx.numpy_helper.from_array(last, "last"))
    nodes += [
        h.make_node("Conv", [f"x{layers}", "last"], ["y"], name="last"),
        h.make_node("Cast", ["y"], ["depth"], to=onnx.TensorProto.FLOAT),
        h.make_node("Sigmoid", ["depth"], ["ssi"]),
    ]
    if gemm:
        square = rng.normal(size=(128, 128)).astype(dtype)
        weights.append(onnx.numpy_helper.from_array(square, "square"))
        nodes[-3:-3] = [h.make_node("MatMul", [f"x{layers}", "square"], [f"x{layers}m"])]
        nodes[-3].input[0] = f"x{layers}m"
    shape = [1, 1, height, 128]
    graph = h.make_graph(
        nodes,
        file.stem,
        [h.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, height, 128])],
        [h.make_tensor_value_info(n, onnx.TensorProto.FLOAT, shape) for n in ("depth", "ssi")],
        weights,
    )
    proto = h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=10)
    h.set_model_props(proto, {"jasmine.model": model, "jasmine.precision": precision})
    onnx.save(proto, file)
    return file


def write_export(
    folder: Path, level: str, *, hot: Collection[str] = (), model: str = "a model"
) -> Path:
    """Write three small graphs with the tensors of the model's stages, and their card.

    Values in a `hot` stage overflow half precision. The level mixed computes them in float32.
    """
    card = ExportCard(
        model=model,
        width=SIZE[0],
        height=SIZE[1],
        multiple=32,
        precision="fp32" if level == "fp32" else "fp16",
        fp32_layers=("all",) if level == "mixed" else (),
        graphs=SPLIT,
        metres_per_unit=None,
        nominal_width=SIZE[0],
        nominal_height=SIZE[1],
        untrained=False,
        description="three small graphs",
    )
    folder.mkdir(parents=True)
    whole, part = [SIZE[1], SIZE[0]], [SIZE[1] // 4, SIZE[0] // 4]
    _stage(folder, level, "encoder", card, hot, {"image": [3, *whole]}, {"latent": [4, *part]})
    _stage(folder, level, "unet", card, hot, {"latent": [4, *part]}, {"v": [4, *part]})
    both = {"latent": [4, *part], "v": [4, *part]}
    _stage(folder, level, "decoder", card, hot, both, {"ssi": [1, *whole], "depth": [2, *whole]})
    write_card(card, folder)
    return folder


def _stage(folder, level, name, card, hot, inputs, outputs) -> None:
    """Write a convolution of all inputs, large values if hot, and a convolution per output."""
    import onnx

    h, kind = onnx.helper, onnx.TensorProto
    half = kind.FLOAT if level == "fp32" else kind.FLOAT16
    dtype = np.float32 if level == "fp32" else np.float16
    rng = np.random.default_rng(len(name))
    channels = sum(shape[0] for shape in inputs.values())
    weights, nodes = [], []

    def constant(label: str, values, as_type=dtype) -> str:
        weights.append(onnx.numpy_helper.from_array(np.asarray(values, as_type), label))
        return label

    nodes += [h.make_node("Cast", [key], [f"{key}_in"], to=half) for key in inputs]
    nodes.append(h.make_node("Concat", [f"{key}_in" for key in inputs], ["x"], axis=1))
    kernel = constant("kernel", rng.random((8, channels, 3, 3)) / (9 * channels))
    nodes.append(h.make_node("Conv", ["x", kernel], ["y"], name="mix", pads=[1] * 4))
    end = "y"
    if name in hot:
        wide, wide_type = ("y", dtype)
        if level == "mixed":
            nodes.append(h.make_node("Cast", ["y"], ["wide"], to=kind.FLOAT))
            wide, wide_type = "wide", np.float32
        for i, factor in enumerate((1e4, 1e4, 1e-4, 1e-4)):
            label = constant(f"f{i}", factor, wide_type)
            nodes.append(h.make_node("Mul", [wide, label], [f"m{i}"], name=f"mul{i}"))
            wide = f"m{i}"
        nodes.append(h.make_node("Cast", [wide], ["back"], to=half))
        end = "back"
    for key, shape in outputs.items():
        last = constant(f"{key}_kernel", rng.random((shape[0], 8, 1, 1)) / 8)
        nodes.append(h.make_node("Conv", [end, last], [f"{key}_y"], name=f"to_{key}"))
        source = f"{key}_y"
        if name == "encoder":
            source = f"{key}_small"
            nodes.append(
                h.make_node(
                    "AveragePool", [f"{key}_y"], [source], kernel_shape=[4, 4], strides=[4, 4]
                )
            )
        elif name == "decoder":
            scales = constant(f"{key}_scales", [1, 1, 4, 4], np.float32)
            source = f"{key}_large"
            nodes.append(h.make_node("Resize", [f"{key}_y", "", scales], [source], mode="nearest"))
        nodes.append(h.make_node("Cast", [source], [key], to=kind.FLOAT))

    def described(tensors):
        return [
            h.make_tensor_value_info(key, kind.FLOAT, [1, *shape]) for key, shape in tensors.items()
        ]

    graph = h.make_graph(nodes, name, described(inputs), described(outputs), weights)
    proto = h.make_model(graph, opset_imports=[h.make_opsetid("", 20)], ir_version=10)
    h.set_model_props(proto, card.metadata())
    onnx.save(proto, folder / f"{name}.onnx")
