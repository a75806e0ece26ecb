# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Removal of the weights from a plain graph that equal those of the checkpoint beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from jasmine_core.artifacts.card import CARD_FILE, WHOLE, read_card, write_card
from jasmine_core.artifacts.reference_output import FILE as REFERENCE
from jasmine_core.artifacts.shared_weights import PART, WEIGHTS, complete_graph, with_norm
from jasmine_core.artifacts.weights_header import read_tensors
from jasmine_core.errors import ExportError
from jasmine_core.files import atomic_folder
from jasmine_core.model.efficientnet import EPSILON

SMALLEST = 512  # numbers of a weight that is worth an entry
Stored = tuple[dict[str, Any], NDArray[np.float32]]  # where a weight is, and its values


def share_weights(export: Path, checkpoint: Path, target: Path) -> None:
    """Write a plain export without the weights that a checkpoint has.

    Args:
        export: folder of the plain export.
        checkpoint: folder of the checkpoint that was exported.
        target: folder to write, which `complete_export` completes to the same graph.
    """
    model = onnx.load(export / WHOLE[0])
    stored = list(_stored(checkpoint))
    entries, kept = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        entry = _entry(values, stored) if values.size >= SMALLEST else None
        if entry and values.dtype == np.float32:
            entries.append({"name": tensor.name, **entry, "shape": list(values.shape)})
        else:
            kept.append(tensor)
    part = onnx.ModelProto()
    part.CopyFrom(model)
    del part.graph.initializer[:]
    part.graph.initializer.extend(kept)
    with atomic_folder(target) as folder:
        (folder / PART).write_bytes(part.SerializeToString(deterministic=True))
        (folder / WEIGHTS).write_text("[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n")
        graph = complete_graph(folder, checkpoint)
        _expect_same(model, onnx.load_from_string(graph))
        # The hashes are those of the complete graph, which `complete_export` writes.
        (folder / WHOLE[0]).write_bytes(graph)
        write_card(read_card(export), folder)
        (folder / WHOLE[0]).unlink()
        shutil.copyfile(export / REFERENCE, folder / REFERENCE)
        assert (folder / CARD_FILE).is_file()


def _stored(checkpoint: Path) -> Iterator[Stored]:
    """Yield the weights of a checkpoint, and those of convolutions with each norm beside them."""
    for file in sorted(checkpoint.glob("*/*.safetensors")):
        weights = read_tensors(file)
        norms = [name.removesuffix(".running_var") for name in weights if ".running_var" in name]
        for name, values in weights.items():
            entry = {"file": file.relative_to(checkpoint).as_posix(), "tensor": name}
            weight = values.astype(np.float32)
            yield entry, weight
            if weight.ndim != 4:
                continue
            layer = name.removesuffix(".weight").rpartition(".")[0]
            for norm in norms:
                beside = norm.rpartition(".")[0] == layer
                if beside and weights[f"{norm}.weight"].shape == weight.shape[:1]:
                    folded = with_norm(weight, weights, norm, EPSILON)
                    yield entry | {"norm": norm, "epsilon": EPSILON}, folded


def _entry(values: NDArray[Any], stored: list[Stored]) -> dict[str, Any] | None:
    """Return where the checkpoint has the same numbers, None if it has not."""
    for entry, other in stored:
        if other.size != values.size:
            continue
        for turned in (False, True):
            candidate = other.squeeze().T if turned else other
            if np.array_equal(candidate.ravel(), values.ravel()):
                return entry | {"turned": turned}
    return None


def _expect_same(model: onnx.ModelProto, completed: onnx.ModelProto) -> None:
    """Raise ExportError unless two graphs have equal nodes, and equal bits in their weights."""
    weights = [
        {t.name: numpy_helper.to_array(t) for t in m.graph.initializer} for m in (model, completed)
    ]
    same = weights[0].keys() == weights[1].keys() and model.graph.node == completed.graph.node
    if not same or any(
        other.tobytes() != weights[0][name].tobytes() or other.shape != weights[0][name].shape
        for name, other in weights[1].items()
    ):
        raise ExportError("the graph with shared weights differs from the one without")
