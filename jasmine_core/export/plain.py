# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plain graphs: the same function in operators that the DNN module of OpenCV 4.6 reads.

    Clip(x)    = y - relu(y - max),  y = x + relu(min - x)
    Gelu(x)    = x / 2 (1 + erf(x / sqrt 2))
    LayerNorm  = InstanceNormalization of [1,N,C,1], and a BatchNormalization for scale and bias
    c @ x      = (x^T @ c^T)^T                                 for a constant c

A constant has one consumer, tensors have four axes at most, and both operands of a sum or product
have one shape, unless one of them is constant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from jasmine_core.errors import ExportError

OPSET = 12  # the newest in which Split and ReduceMean have their axes as attributes
IR_VERSION = 7
_RESHAPES = ("Reshape", "Squeeze", "Unsqueeze")
_ELEMENTWISE = ("Add", "Div", "Mul", "Sub")
# Attributes, and the only value that older operators stand for.
_NEWER_ATTRIBUTES: dict[str, dict[str, Any]] = {
    "AveragePool": {"dilations": [1, 1]},
    "Resize": {"antialias": 0, "keep_aspect_ratio_policy": b"stretch"},
}


def plain_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a model with static shapes as one of plain operators of opset 12.

    Raises:
        ExportError: an operator has no plain form.
    """
    rewriter = _Rewriter(model)
    try:
        for node in model.graph.node:
            rewriter.rewrite(node)
    except ExportError as err:
        raise ExportError(f"{err}; export this model without --plain") from err
    result = onnx.ModelProto()
    result.CopyFrom(model)
    del result.graph.node[:], result.graph.initializer[:], result.graph.value_info[:]
    result.graph.node.extend(rewriter.nodes)
    result.graph.initializer.extend(rewriter.constants)
    del result.opset_import[:]
    result.opset_import.append(helper.make_opsetid("", OPSET))
    result.ir_version = IR_VERSION
    try:
        onnx.checker.check_model(result, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as err:
        raise ExportError(f"the plain graph is invalid: {str(err).splitlines()[0]}") from err
    return result


class _Rewriter:
    """Nodes and constants of the plain graph, which grow by one node of the model at a time."""

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = model.graph
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        values = (*graph.input, *graph.value_info, *graph.output)
        self._shapes = {
            value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
            for value in values
        }
        self._count, self._name = 0, ""

    def rewrite(self, node: onnx.NodeProto) -> None:
        """Append the plain form of a node."""
        self._name = node.name
        kind, inputs, (output, *_) = node.op_type, list(node.input), node.output
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        one_sided = kind == "MatMul" and inputs[0] in self._known
        different = kind in _ELEMENTWISE and self._differ(*inputs)
        if kind == "Constant":
            self._known[output] = numpy_helper.to_array(attributes["value"])
        elif kind in _RESHAPES:
            self._reshape(inputs[0], self._shapes[output], output)
        elif kind == "Clip":
            self._clip(*inputs, output=output)
        elif kind == "Gelu":
            self._gelu(inputs[0], output)
        elif kind == "LayerNormalization":
            self._layer_norm(inputs, attributes, output)
        elif kind == "DepthToSpace":
            self._depth_to_space(inputs[0], attributes, output)
        elif kind == "Split":
            axis = attributes.get("axis", 0)
            sizes = [self._shapes[name][axis] for name in node.output]
            self._add(kind, inputs[:1], list(node.output), axis=axis, split=sizes)
        elif kind in ("ReduceMean", "ReduceSum"):
            axes = self._known[inputs[1]].ravel().tolist() if len(inputs) > 1 else None
            chosen = attributes.get("axes", axes)
            self._add(kind, inputs[:1], output, axes=chosen, keepdims=attributes["keepdims"])
        elif one_sided:
            turned = self._turned(inputs[0], self._shapes[inputs[1]])
            product = self._add("MatMul", [self._swap(inputs[1]), turned])
            self._transpose(product, self._swapped(inputs[1]), output)
        elif different:
            self._add(kind, [self._spread(name, output) for name in inputs], output)
        else:
            older = _without_newer(node.name, kind, attributes)
            if kind == "Resize":
                inputs = [name or self._constant(np.zeros(0, np.float32)) for name in inputs]
            self._add(kind, inputs, list(node.output), **older)

    # ------------------------------------------------------------------ operators

    def _clip(self, x: str, least: str = "", most: str = "", *, output: str) -> None:
        if least:
            below = self._add("Relu", [self._add("Sub", [least, x])])
            x = self._add("Add", [x, below], "" if most else output)
        if most:
            above = self._add("Relu", [self._add("Sub", [x, most])])
            self._add("Sub", [x, above], output)

    def _gelu(self, x: str, output: str) -> None:
        scaled = self._add("Mul", [x, self._number(2**-0.5)])
        gate = self._add("Add", [self._add("Erf", [scaled]), self._number(1.0)])
        self._add("Mul", [self._add("Mul", [x, self._number(0.5)]), gate], output)

    def _layer_norm(self, inputs: list[str], attributes: dict[str, Any], output: str) -> None:
        shape = self._shapes[inputs[0]]
        if len(shape) != 3 or attributes.get("axis", -1) not in (-1, 2):
            raise ExportError(f"{self._name} normalises other axes than the last one of three")
        _, tokens, channels = shape
        ones, zeros = np.ones, np.zeros
        x = self._reshape(inputs[0], [1, tokens, channels, 1])
        fixed = [self._floats(make(tokens)) for make in (ones, zeros)]
        x = self._add("InstanceNormalization", [x, *fixed], epsilon=attributes["epsilon"])
        # Scale and bias are applied along the second axis, where every version supports them.
        x = self._transpose(x, [0, 2, 1, 3])
        scale = self._floats(self._known[inputs[1]])
        bias = self._floats(self._known[inputs[2]] if len(inputs) > 2 else zeros(channels))
        moments = [self._floats(make(channels)) for make in (zeros, ones)]
        x = self._add("BatchNormalization", [x, scale, bias, *moments], epsilon=0.0)
        self._reshape(self._transpose(x, [0, 2, 1, 3]), shape, output)

    def _depth_to_space(self, x: str, attributes: dict[str, Any], output: str) -> None:
        if attributes.get("mode", b"DCR") != b"CRD":
            raise ExportError(f"{self._name} rearranges depth in mode DCR")
        _, channels, height, width = self._shapes[x]
        side = attributes["blocksize"]
        count = channels // side**2
        if count != 1:
            raise ExportError(f"{self._name} upsamples {count} channels; a plain graph upsamples 1")
        x = self._reshape(x, [side, side, height, width])
        self._reshape(self._transpose(x, [2, 0, 3, 1]), self._shapes[output], output)

    def _spread(self, name: str, like: str) -> str:
        """Return a value of the shape of another one; a map of one pixel is enlarged."""
        shape, wanted = self._shapes[name], self._shapes[like]
        if shape == wanted:
            return name
        if len(shape) != 4 or shape[:2] != wanted[:2] or shape[2:] != [1, 1]:
            raise ExportError(f"{self._name} combines shapes {shape} and {wanted}")
        empty = [self._constant(np.zeros(0, np.float32)) for _ in range(2)]
        sizes = self._constant(np.array(wanted, np.int64))
        mode = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return self._add("Resize", [name, *empty, sizes], mode="nearest", **mode)

    # ------------------------------------------------------------------ parts of operators

    def _add(self, kind: str, inputs: list[str], output: str | list[str] = "", **more: Any) -> str:
        """Append a node whose constants are its own; return its first output."""
        self._count += 1
        outputs = [output or f"value_{self._count}"] if isinstance(output, str) else output
        own = [self._constant(self._known[x]) if x in self._known else x for x in inputs]
        name = f"{self._name}/{kind}_{self._count}"
        self.nodes.append(helper.make_node(kind, own, outputs, name=name, **more))
        return outputs[0]

    def _constant(self, values: NDArray[Any]) -> str:
        self._count += 1
        name = f"constant_{self._count}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _floats(self, values: Any) -> str:
        return self._constant(np.asarray(values, np.float32))

    def _number(self, value: float) -> str:
        return self._floats([value])

    def _reshape(self, x: str, shape: list[int], output: str = "") -> str:
        return self._add("Reshape", [x, self._constant(np.array(shape, np.int64))], output)

    def _transpose(self, x: str, axes: list[int], output: str = "") -> str:
        return self._add("Transpose", [x], output, perm=axes)

    def _swapped(self, x: str) -> list[int]:
        """Return the order of axes in which the last two are swapped."""
        *others, second, last = range(len(self._shapes[x]))
        return [*others, last, second]

    def _swap(self, x: str) -> str:
        return self._transpose(x, self._swapped(x))

    def _turned(self, constant: str, shape: list[int]) -> str:
        """Return the transposed constant of a product with a value of a shape."""
        values = self._known[constant]
        if values.ndim != 2 and values.ndim != len(shape):
            raise ExportError(f"{self._name} multiplies shapes {list(values.shape)} and {shape}")
        return self._constant(np.swapaxes(values, -1, -2))

    def _differ(self, first: str, second: str) -> bool:
        computed = first not in self._known and second not in self._known
        return computed and self._shapes[first] != self._shapes[second]


def _without_newer(name: str, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes without those that only newer operators have."""
    newer = _NEWER_ATTRIBUTES.get(kind, {})
    for key, value in newer.items():
        if attributes.get(key, value) != value:
            raise ExportError(f"{name} has {key} {attributes[key]!r}, which opset {OPSET} lacks")
    return {key: value for key, value in attributes.items() if key not in newer}
