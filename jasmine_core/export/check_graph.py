# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refuse a graph that TensorRT 10.3 would refuse, or that computes what was known beforehand."""

from __future__ import annotations

from typing import Any

from jasmine_core.errors import ExportError

NEWEST_OPSET = 20  # that TensorRT 10.0 to 10.8 read
# Operators of TensorRT 10.3's table that a static network of convolutions and attention may use.
# Those that ask for shapes, choose branches or count (Shape, Range, Loop, If, NonZero ...) are in
# its table too; here they would mean that something constant was left to run time.
_MATHS = {"Add", "Clip", "Div", "Gelu", "Mul", "Relu", "Sigmoid", "Softmax", "Sub", "Tanh"}
_WEIGHED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_NORMS = {"InstanceNormalization", "LayerNormalization"}
_SHAPES = {"Concat", "Reshape", "Resize", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
OPERATORS = _MATHS | _WEIGHED | _NORMS | _SHAPES | {"Cast", "Pad"}
FLOATS = {"fp32": frozenset({"FLOAT"}), "fp16": frozenset({"FLOAT", "FLOAT16"})}


def check_graph(model: Any, precision: str, fp32_layers: bool = False) -> None:
    """Raise ExportError unless an onnx_ir model is static, typed and made of known operators.

    With `fp32_layers`, convolutions may stay in float32 in an fp16 graph.
    """
    complaints = [*_versions(model), *_interface(model)]
    for node in model.graph:
        complaints += [f"{node.name}: {said}" for said in _complaints(node, precision, fp32_layers)]
    if complaints:
        more = f" and {len(complaints) - 3} more" if len(complaints) > 3 else ""
        raise ExportError(
            f"the exported graph is not one that TensorRT 10.3 takes: {'; '.join(complaints[:3])}"
            f"{more}; another version of torch or onnxscript may export it otherwise"
        )


def _versions(model: Any) -> list[str]:
    return [
        f"opset {version} of {domain or 'ONNX'}"
        for domain, version in model.opset_imports.items()
        if domain or version > NEWEST_OPSET
    ]


def _interface(model: Any) -> list[str]:
    return [
        f"{value.name} is {value.dtype} at the edge of the graph"
        for value in (*model.graph.inputs, *model.graph.outputs)
        if _type(value) != "FLOAT"
    ]


def _complaints(node: Any, precision: str, fp32_layers: bool) -> list[str]:
    if node.domain or node.op_type not in OPERATORS:
        return [f"operator {node.domain or ''}{node.op_type}"]
    found = []
    for value in node.outputs:
        if value.shape is None or not value.shape.is_static():
            found.append(f"{value.name} has shape {value.shape}")
        if _type(value) not in FLOATS[precision]:
            found.append(f"{value.name} is {value.dtype}")
    # Sizes, axes and bounds are integers, and all of them constants.
    integers = [value for value in node.inputs if _type(value).startswith("INT")]
    found += [f"{value.name} is computed" for value in integers if value.const_value is None]
    floats = {name for v in (*node.inputs, *node.outputs) if (name := _type(v)).startswith("FLOAT")}
    if len(floats) > 1 and node.op_type not in ("Cast", "Resize"):  # Resize: scales are float32
        found.append(f"mixes {' and '.join(sorted(floats))}")
    if precision == "fp16" and not fp32_layers and node.op_type == "Conv" and "FLOAT" in floats:
        found.append("a convolution in float32")
    return found


def _type(value: Any) -> str:
    return "" if value is None or value.dtype is None else str(value.dtype.name)
