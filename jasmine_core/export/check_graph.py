# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Check that TensorRT 10.3 accepts a graph, and that nothing constant is left to run time."""

from __future__ import annotations

from typing import Any

from jasmine_core.errors import ExportError

NEWEST_OPSET = 20  # that TensorRT 10.0 to 10.8 read
# Operators of TensorRT 10.3's table that a static network of convolutions and attention may use.
# The table also has operators that read shapes, branch or count (Shape, Range, Loop, If, NonZero).
# They are refused here, because they mean that a constant is computed at run time.
_MATHS = {"Add", "Clip", "Div", "Exp", "Gelu", "Mul", "Relu", "Sigmoid", "Softmax", "Sub", "Tanh"}
_WEIGHED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_NORMS = {"InstanceNormalization", "LayerNormalization"}
_REDUCTIONS = {"AveragePool", "ReduceMean", "ReduceSum"}
_SHAPES = {
    "Concat",
    "DepthToSpace",
    "Reshape",
    "Resize",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
}
OPERATORS = _MATHS | _WEIGHED | _NORMS | _REDUCTIONS | _SHAPES | {"Cast", "Pad"}
FLOATS = {"fp32": frozenset({"FLOAT"}), "fp16": frozenset({"FLOAT", "FLOAT16"})}


def check_graph(model: Any, precision: str, fp32_layers: bool = False) -> None:
    """Raise ExportError unless an onnx_ir model is static, typed and made of known operators.

    With `fp32_layers`, convolutions may stay in float32 in an fp16 graph.
    """
    problems = [*_versions(model), *_interface(model)]
    for node in model.graph:
        problems += [
            f"{node.name}: {problem}" for problem in _problems(node, precision, fp32_layers)
        ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ExportError(
            f"the exported graph is not one that TensorRT 10.3 takes: {'; '.join(problems[:3])}"
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


def _problems(node: Any, precision: str, fp32_layers: bool) -> list[str]:
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
