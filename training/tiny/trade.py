# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time per image and AbsRel of networks near jasmine-tiny, after short equal trainings.

The variants differ in the sizes of the network, or in one part of the training (an ablation).

    python training/tiny/trade.py -o runs/tiny/trade     # eight minutes of one core per row
    python training/tiny/trade.py -o runs/tiny/trade --only tiny narrow

The results are trade.json, trade.md and trade.png. The same command continues after an
interruption. Times are medians of runs of ONNX Runtime in one thread, in which all networks take
turns. Depth Anything V2 Small has random weights, because only its time is measured.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import onnxruntime
import torch
import tyro
from tyro.conf import arg

from jasmine_core.errors import JasmineError
from jasmine_core.evaluate.metrics import mean_metrics
from jasmine_core.evaluate.protocols import evaluate_depth
from jasmine_core.evaluate.world import world_samples
from jasmine_core.export.onnx import export_onnx
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.presets import PRESETS, build_model
from jasmine_core.runtime.backend_torch import TorchBackend
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.train.recipe import Recipe, read_recipe
from jasmine_core.train.trainer import train

REFERENCE = "Depth Anything V2 Small"
ROUNDS = 60
Run = Callable[[], Any]


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    output: Annotated[Path, arg(aliases=["-o"])]  # Folder of the results and the trainings.
    recipe: Path = Path("training/tiny/trade.yaml")  # Recipe of all trainings.
    only: tuple[str, ...] = ()  # Names of VARIANTS and ABLATIONS; all if empty.
    frames: int = 60  # Number of street images for AbsRel, which are not in the training data.


def _widths(*widths: int) -> dict[str, Any]:
    heads = tuple(max(1, width // 16) for width in widths)
    return {
        "unet": {"block_out_channels": widths, "attention_head_dim": heads},
        "adapter": {"residuals": widths},
    }


VARIANTS: dict[str, dict[str, Any]] = {  # Changes of the preset tiny.
    "tiny": {},
    "narrow": _widths(24, 48, 64, 96),
    "wide": _widths(48, 96, 128, 160),
    "attention at 1/8": {
        "unet": {
            "down_block_types": ("DownBlock2D", *("CrossAttnDownBlock2D",) * 2, "DownBlock2D"),
            "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 2, "UpBlock2D"),
        },
        "adapter": {"levels": (1, 1, 2, 3)},
    },
    "GRU at 1/2": {"ssg": {"shrink": 2}},
    "no adapter": {"unet": {"in_channels": 16}, "adapter": None},
    "no GRU": {"ssg": {"iterations": 0}},
}


ABLATIONS: dict[str, Callable[[Recipe], Recipe]] = {  # The training without one of its parts.
    "no ImageNet weights": lambda recipe: replace(recipe, imagenet=""),
    "no reconstruction": lambda recipe: replace(recipe, data=replace(recipe.data, auxiliary="")),
}


def sizes_of(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the sizes of jasmine-tiny with `changes` applied."""
    sizes: dict[str, Any] = copy.deepcopy(PRESETS["tiny"])
    for part, values in changes.items():
        if values is None:
            del sizes[part]
        else:
            sizes[part] |= values
    return sizes


def trained(name: str, recipe: Recipe, output: Path) -> Path:
    """Train a variant by the recipe, or continue its training; return its checkpoint."""
    place = output / name.replace(" ", "_").replace("/", "_")
    if (place / "run" / "final").is_dir():
        return place / "run" / "final"
    sizes = sizes_of(VARIANTS.get(name, {}))
    if not (place / "start").is_dir():
        build_model(sizes, name).save_pretrained(place / "start")
    recipe = ABLATIONS.get(name, lambda same: same)(recipe)
    phases = recipe.phases
    if "adapter" not in sizes:
        phases = tuple(
            replace(p, train=tuple(t for t in p.train if t != "adapter")) for p in phases
        )
    own = replace(recipe, start=str(place / "start"), phases=phases)
    final = train(own, place / "run", resume=(place / "run").is_dir())
    if final is None:
        raise JasmineError("interrupted; the same command continues from here")
    return final


def abs_rel(checkpoint: Path, frames: int) -> float:
    """Return AbsRel on streets outside the training data, with median scaling."""
    predictor = DepthPredictor(TorchBackend(JasmineModel.from_pretrained(checkpoint)))
    scores = [
        evaluate_depth(predictor(s.image, s.focal).depth, s.ground_truth, "plain")
        for s in world_samples("street", 0, frames)
    ]
    return mean_metrics(scores).abs_rel


def session(checkpoint: Path, output: Path) -> Run:
    """Return a function that runs an export of the checkpoint once."""
    model = JasmineModel.from_pretrained(checkpoint)
    size = model.config.width, model.config.height
    (file,) = export_onnx(model, output, size=size)
    return _runs(file, np.zeros((1, 3, size[1], size[0]), np.float32))


def reference(output: Path) -> Run | None:
    """Return a function that runs Depth Anything V2 Small once at 322x98 px.

    Returns:
        None if transformers is not installed.
    """
    try:
        from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
    except ImportError:
        return None
    backbone = Dinov2Config(
        hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14,
        out_indices=[3, 6, 9, 12], reshape_hidden_states=False,
    )  # fmt: skip
    config = DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=384, fusion_hidden_size=64,
        neck_hidden_sizes=[48, 96, 192, 384],
    )  # fmt: skip
    network = DepthAnythingForDepthEstimation(config).eval()
    image = torch.zeros(1, 3, 98, 322)
    output.mkdir(parents=True, exist_ok=True)
    file = output / "reference.onnx"
    torch.onnx.export(network, (image,), file, dynamo=True, opset_version=20, verbose=False)
    return _runs(file, image.numpy())


def _runs(file: Path, image: np.ndarray) -> Run:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    found = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    inputs = {found.get_inputs()[0].name: image}
    return lambda: found.run(None, inputs)


def milliseconds(runs: dict[str, Run]) -> dict[str, float]:
    """Return the median time of each function in milliseconds; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            began = perf_counter()
            run()
            times[name].append(1e3 * (perf_counter() - began))
    return {name: float(np.median(values[5:])) for name, values in times.items()}


def write(rows: dict[str, dict[str, float]], steps: int, output: Path) -> None:
    """Write trade.json, trade.md and trade.png."""
    (output / "trade.json").write_text(json.dumps({"steps": steps, "rows": rows}, indent=2) + "\n")
    lines = ["| | weights | ms | share of the reference | AbsRel |", "|:--|--:|--:|--:|--:|"]
    for name, row in rows.items():
        score = f"{row['abs_rel']:.3f}" if "abs_rel" in row else ""
        share = f"{row['share']:.2f}" if "share" in row else ""
        lines.append(
            f"| {name} | {row['weights'] / 1e6:.2f} M | {row['ms']:.1f} | {share} | {score} |"
        )
    (output / "trade.md").write_text("\n".join(lines) + "\n")
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4))
    scored = sorted(
        (row["ms"], row["abs_rel"], name) for name, row in rows.items() if "abs_rel" in row
    )
    for index, (ms, error, name) in enumerate(scored):
        axes.plot(ms, error, "o")
        place = (4, -12 if index % 2 else 4)  # Labels of neighbours do not overlap.
        axes.annotate(name, (ms, error), place, textcoords="offset points")
    axes.margins(x=0.15, y=0.1)
    axes.set_xlabel("ms per image, ONNX Runtime, one thread, 320x96 px")
    axes.set_ylabel(f"AbsRel on other streets after {steps} steps")
    figure.tight_layout()
    figure.savefig(output / "trade.png", dpi=120)


def main(options: Options) -> None:
    """Train every variant, and measure its accuracy and time."""
    torch.set_num_threads(1)
    recipe = read_recipe(options.recipe)
    names = options.only or (*VARIANTS, *ABLATIONS)
    checkpoints = {name: trained(name, recipe, options.output) for name in names}
    exports = options.output / "onnx"
    runs = {name: session(path, exports / path.parts[-3]) for name, path in checkpoints.items()}
    if (peer := reference(exports)) is not None:
        runs[REFERENCE] = peer
    times = milliseconds(runs)
    rows: dict[str, dict[str, float]] = {}
    for name, path in checkpoints.items():
        model = JasmineModel.from_pretrained(path)
        weights = sum(p.numel() for p in model.parameters())
        rows[name] = {"weights": weights, "ms": times[name]}
        rows[name]["abs_rel"] = abs_rel(path, options.frames)
    if peer is not None:
        rows[REFERENCE] = {"weights": 24.8e6, "ms": times[REFERENCE]}
        for row in rows.values():
            row["share"] = row["ms"] / times[REFERENCE]
    write(rows, recipe.steps, options.output)
    print((options.output / "trade.md").read_text(), end="")


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
