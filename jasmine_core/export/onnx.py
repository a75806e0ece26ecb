# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jasmine model as ONNX graphs: static shapes, opset 20, one graph or three.

encoder.onnx   image [1,3,H,W] in [0,1]  ->  latent [1,4,h,w], and the features of an adapter
unet.onnx      latent, features          ->  v [1,4,h,w]: input of the decoder, see `FoldedUNet`
decoder.onnx   latent, v                 ->  ssi [1,1,H,W], depth [1,n,H,W]
jasmine.onnx   all stages: image         ->  ssi, depth; a plain graph has opset 12, see `plain`

`depth` has one channel per SSG iteration, in model units; the last one is the final depth. Inputs
and outputs are float32 in every precision. Weights of more than 1 GB are written beside the graph.
"""

from __future__ import annotations

import ast
import hashlib
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from jasmine_core.artifacts.card import SPLIT, WHOLE, ExportCard, write_card
from jasmine_core.artifacts.reference_output import reference_image, write_reference
from jasmine_core.errors import ConfigError
from jasmine_core.export.check_graph import check_graph
from jasmine_core.export.half_precision import in_half
from jasmine_core.export.plain import plain_graph
from jasmine_core.export.specialise import SpecialisedJasmine, specialise
from jasmine_core.files import atomic_file
from jasmine_core.geometry.camera import Size
from jasmine_core.model.jasmine import JasmineModel

OPSET = 20  # the newest opset that TensorRT 10.0 to 10.8 read
PROTOBUF_MAX = 1 << 30  # [bytes] of weights inside the file; a protobuf holds 2 GB at most
Precision = Literal["fp32", "fp16"]
_DTYPES = {"fp32": torch.float32, "fp16": torch.float16}


@dataclass(frozen=True)
class Graph:
    """Graph to write: a stage of the network with its example inputs and output names."""

    file: str
    stage: nn.Module
    inputs: dict[str, Tensor]
    outputs: tuple[str, ...]


@torch.no_grad()
def export_onnx(
    model: JasmineModel,
    folder: Path,
    *,
    size: Size,
    precision: Precision = "fp32",
    fp32_layers: frozenset[str] = frozenset(),
    split: bool = False,
    transposed: bool = False,
    plain: bool = False,
    source: str = "",
) -> tuple[Path, ...]:
    """Write the graphs of a model for images of one size (width, height), and their card.

    Args:
        model: Model to export.
        folder: Folder of the graphs and of the card.
        size: (width, height) of the images [px].
        precision: fp32 or fp16.
        fp32_layers: Paths of the modules that stay in float32 in an fp16 graph, such as "decoder"
            or "unet.mid_block".
        split: Write three graphs instead of one.
        transposed: Replace each upsampling and its convolution by a transposed convolution.
        plain: Write the graph in plain operators, with its output for a reference image.
        source: Fingerprint of the checkpoint; by default a hash of the weights of `model`.

    Returns:
        The written graphs, in the order in which they run.

    Raises:
        ConfigError: A side is not a multiple of `model.multiple`, or a plain graph is wanted in
            fp16 or in several files.
    """
    if plain and (split or precision != "fp32"):
        raise ConfigError("a plain graph is one file in fp32; leave out --split and --precision")
    width, height = size
    if width <= 0 or height <= 0 or width % model.multiple or height % model.multiple:
        raise ConfigError(
            f"size {width}x{height} px cannot be exported: both sides must be multiples of "
            f"{model.multiple}"
        )
    card = ExportCard(
        model=source or hash_model(model),
        width=width,
        height=height,
        multiple=model.multiple,
        precision=precision,
        fp32_layers=tuple(sorted(fp32_layers)),
        graphs=SPLIT if split else WHOLE,
        metres_per_unit=model.config.metres_per_unit,
        nominal_width=model.config.width,
        nominal_height=model.config.height,
        untrained=model.config.untrained,
        description=model.config.description,
        canonical_focal=model.config.canonical_focal,
        scale_spread=model.config.scale_spread,
        plain=plain,
    )
    folded = specialise(model, transposed)
    if precision == "fp16":
        folded = in_half(folded, fp32_layers)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for graph in _graphs(folded, size, model, split):
        traced = _trace(graph, _DTYPES[precision])
        check_graph(traced, precision, bool(fp32_layers))
        traced.metadata_props.update(card.metadata())
        written.append(folder / graph.file)
        if plain:
            _save_plain(traced, written[-1])
            ssi, depth = folded(torch.from_numpy(reference_image(size))[None])
            write_reference(folder, ssi[0, 0].numpy(), depth[0, -1].numpy())
        else:
            _save(traced, written[-1])
    write_card(card, folder)
    return tuple(written)


def hash_model(model: JasmineModel) -> str:
    """Return the SHA-256 of a model's weights and configuration."""
    digest = hashlib.sha256(repr((model.config, model.ssg.config)).encode())
    for name, values in (model.state_dict() | {"text": model.text_embedding}).items():
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


# ---------------------------------------------------------------------- the graphs


@torch.no_grad()
def _graphs(
    folded: SpecialisedJasmine, size: Size, model: JasmineModel, split: bool
) -> list[Graph]:
    width, height = size
    image = torch.zeros(1, 3, height, width)
    if not split:
        return [Graph(WHOLE[0], folded, {"image": image}, ("ssi", "depth"))]
    shape = (
        model.vae.config.latent_channels,
        height // model.latent_scale,
        width // model.latent_scale,
    )
    latent = torch.zeros(1, *shape)
    features: dict[str, Tensor] = {}
    if model.adapter:
        names = ["beside", *(f"residual_{i}" for i in range(len(model.adapter.projections)))]
        computed = model.adapter(image.to(model.adapter.beside.weight))
        maps = (computed.beside, *computed.residuals)
        features = {name: torch.zeros(x.shape) for name, x in zip(names, maps, strict=True)}
    encoder, unet, decoder = SPLIT
    return [
        Graph(encoder, folded.inputs(), {"image": image}, ("latent", *features)),
        Graph(unet, folded.unet, {"latent": latent, **features}, ("v",)),
        Graph(decoder, folded.decoder, {"latent": latent, "v": latent.clone()}, ("ssi", "depth")),
    ]


class _Float32Interface(nn.Module):
    """Stage with float32 inputs and outputs around its own precision."""

    def __init__(self, stage: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.stage = stage
        self._dtype = dtype

    def forward(self, *inputs: Tensor) -> Any:
        """Return the outputs of the stage in float32."""
        outputs = self.stage(*(x.to(self._dtype) for x in inputs))
        return tree_map(lambda x: x.float(), outputs)


def _trace(graph: Graph, dtype: torch.dtype) -> Any:
    """Return a stage as an onnx_ir model without metadata of the exporter."""
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Float32Interface(graph.stage, dtype),
            tuple(graph.inputs.values()),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            verbose=False,
        )
    assert program is not None
    model = program.model
    for index, node in enumerate(model.graph):
        # Nodes are named by their module, so that profiles and errors of TensorRT can be read.
        scopes = ast.literal_eval(node.metadata_props.get("pkg.torch.onnx.name_scopes", "['']"))
        node.name = f"{'/'.join(scopes[-2:-1])}/{node.op_type}_{index}".lstrip("/")
        node.metadata_props.clear()  # line numbers and paths of this machine
        for value in node.outputs:
            value.metadata_props.clear()
    for value in (*model.graph.inputs, *model.graph.initializers.values()):
        value.metadata_props.clear()
    model.graph.metadata_props.clear()
    model.metadata_props.clear()
    return model


def _save(model: Any, file: Path) -> None:
    """Write a graph completely or not at all."""
    import onnx_ir

    size = sum(w.const_value.nbytes for w in model.graph.initializers.values())
    data = f"{file.name}.data" if size > PROTOBUF_MAX else None
    file.unlink(missing_ok=True)  # an old graph must not be read with the new weights
    with atomic_file(file) as temporary:
        onnx_ir.save(model, temporary, external_data=data)


def _save_plain(model: Any, file: Path) -> None:
    """Write a graph in plain operators completely or not at all."""
    import onnx
    import onnx_ir

    plain = plain_graph(onnx_ir.to_proto(model))
    if plain.ByteSize() > PROTOBUF_MAX:
        raise ConfigError("the weights are too large for a plain graph, which is one file of 1 GB")
    file.unlink(missing_ok=True)
    with atomic_file(file) as temporary:
        onnx.save(plain, temporary)


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress log lines and warnings of the exporter; its failures raise exceptions."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
