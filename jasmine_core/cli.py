# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The commands that need no ROS. Heavy imports stay inside them: `--help` answers at once."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from jasmine_core.errors import ConfigError

if TYPE_CHECKING:
    from jasmine_core.artifacts.checkpoint import Checkpoint

INTERRUPTED = 130  # as a shell reports SIGINT
Output = Annotated[Path, arg(aliases=["-o"], metavar="OUT")]


def convert(
    output: Output,
    stable_diffusion: Annotated[str | None, arg(metavar="DIR")] = None,
    authors: Annotated[Path | None, arg(metavar="DIR")] = None,
    text_embedding: Annotated[Path | None, arg(metavar="FILE")] = None,
    depth_task: Literal["01", "10"] = "01",
    allow_download: bool = False,
) -> None:
    """Turn Stable Diffusion 2, or the authors' released weights, into a Jasmine checkpoint.

    Args:
        output: checkpoint folder to write.
        stable_diffusion: Stable Diffusion 2 (768-v) folder in diffusers layout; gives an untrained
            Jasmine. Together with --authors it only computes the empty-prompt embedding.
        authors: folder with unet/, vae/ and gru.pth as the authors released them.
        text_embedding: safetensors file with the empty-prompt embedding `text_embedding`, for
            --authors; a file of that kind beside gru.pth is found by itself.
        depth_task: one-hot task vector that means depth in the authors' weights.
        allow_download: take --stable-diffusion as a hub id if it is not a folder.
    """
    from jasmine_core.model import convert as conversion
    from jasmine_core.model.checkpoint import read_weights, save_checkpoint

    base = stable_diffusion and conversion.resolve_hub_id(stable_diffusion, allow_download)
    if authors is None:
        if not base:
            raise ConfigError("nothing to convert: give --stable-diffusion or --authors")
        model = conversion.from_stable_diffusion(base)
        save_checkpoint(model, output)
        print(f"{output}: untrained Jasmine from {base}")
        return

    folder = conversion.find_authors_folder(authors)
    if text_embedding:
        text = read_weights(text_embedding).get("text_embedding")
    elif base:
        text = conversion.empty_prompt_embedding(base)
    else:
        text = conversion.find_text_embedding(folder)
    if text is None:
        raise ConfigError(
            f"the empty-prompt embedding is not in {text_embedding or folder}; give "
            "--text-embedding FILE, or the base model with --stable-diffusion DIR"
        )
    task = (0, 1) if depth_task == "01" else (1, 0)
    model, posenet = conversion.from_authors(folder, text, task)
    save_checkpoint(model, output, posenet)
    print(f"{output}: Jasmine from {folder}" + (", with its PoseNet" if posenet else ""))


def render(
    output: Output,
    kind: Literal["street", "room", "road", "indoor"] = "street",
    scenes: int = 640,
    first: int = 0,
    frames: int = 6,
    width: int = 320,
    height: int = 96,
    device: str = "cpu",
) -> int:
    """Render scenes of the procedural world as sequences with exact depth: OUT/KIND_SEED.

    Scenes that are there already are kept, so that the same command goes on after a stop.

    Args:
        output: folder of the sequences.
        kind: street or room, the world that `jasmine evaluate --world` tests in; road or indoor,
            a larger one with far things, weathers, many cameras and interiors.
        scenes: how many.
        first: seed of the first; those from 1,000,000 on are for tests.
        frames: images of a scene, at 8 Hz; at least 3.
        width: of the images [px].
        height: of the images [px].
        device: that renders: cpu or cuda.
    """
    from jasmine_core.interrupt import Interrupt
    from jasmine_core.synthetic.sequences import render_sequences, training_world

    config = training_world(kind, (width, height), frames)
    with Interrupt() as interrupt:
        seeds = range(first, first + scenes)
        done = render_sequences(seeds, config, output, lambda: interrupt.requested, device)
    if not done:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0


def train(
    recipe: Annotated[Path, Positional, arg(metavar="RECIPE")],
    output: Output,
    resume: bool = False,
) -> int:
    """Train as a recipe says; OUT/final and OUT/best are checkpoints.

    Args:
        recipe: YAML file; training/ holds some.
        output: folder of the run: states, log, images, checkpoints.
        resume: go on with the run in OUT from its last state.
    """
    from jasmine_core.train.recipe import read_recipe
    from jasmine_core.train.trainer import train as run

    finished = run(read_recipe(recipe), output, resume)
    if finished is None:
        print("interrupted; --resume goes on from here", file=sys.stderr)
        return INTERRUPTED
    print(f"trained: {finished}")
    return 0


def export(
    checkpoint: Annotated[str, Positional, arg(metavar="CHECKPOINT")],
    output: Annotated[Path | None, arg(aliases=["-o"], metavar="OUT")] = None,
    onnx: bool = False,
    tensorrt: bool = False,
    size: Annotated[tuple[int, int] | None, arg(metavar="WIDTH HEIGHT")] = None,
    precision: Literal["auto", "fp32", "fp16"] = "auto",
    split: bool = False,
    transposed: bool = False,
    image: Annotated[Path | None, arg(metavar="FILE")] = None,
    build_only: bool = False,
    compute_capability: str | None = None,
) -> None:
    """Turn a checkpoint into graphs that run without torch, or into engines for this machine's GPU.

    Everything constant is folded into the weights. The graph is for images of one size.

    Args:
        checkpoint: folder, or random:PRESET.
        output: folder that gets a folder for this size and precision; by default CHECKPOINT/onnx,
            where `--backend onnxruntime` and openvino look for it.
        onnx: write ONNX.
        tensorrt: build TensorRT engines into the cache, check them and activate those that pass.
        size: [px] of the images that the network gets; by default those that it was trained on.
        precision: fp16 keeps float32 where float16 would overflow, and at both ends; auto is fp32
            for graphs, and for engines fp16 as far as that is exact enough.
        split: three graphs (encoder, unet, decoder) instead of one.
        transposed: upsample with transposed convolutions; less work, not always less time.
        image: what the search for overflows in fp16 looks at; by default noise.
        build_only: build engines and leave their check to the first start on the robot.
        compute_capability: with --build-only, build ahead of time for the GPU that has it, such as
            8.9, with TensorRT for RTX; no GPU is needed.
    """
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.artifacts.onnx_exports import EXPORTS
    from jasmine_core.export.checkpoint import export_checkpoint

    if not (onnx or tensorrt):
        raise ConfigError("nothing to export to: give --onnx or --tensorrt")
    if compute_capability and not build_only:
        raise ConfigError("engines for another GPU cannot be checked here: give --build-only too")
    weights = Checkpoint.resolve(checkpoint)
    if tensorrt:
        _export_engines(weights, size, precision, build_only, compute_capability)
    if not onnx:
        return
    if output is None and weights.kind == "random":
        raise ConfigError(f"{checkpoint} has no folder of its own; give --output OUT")
    folder = export_checkpoint(
        weights,
        output or weights.jasmine_folder() / EXPORTS,
        size=size,
        precision="fp32" if precision == "auto" else precision,
        split=split,
        transposed=transposed,
        image=image,
    )
    for file in sorted(folder.iterdir()):
        print(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


def _export_engines(
    checkpoint: Checkpoint,
    size: tuple[int, int] | None,
    precision: str,
    build_only: bool,
    compute_capability: str | None,
) -> None:
    from jasmine_core.engines.build import build_engines, require_gpu, validate_engines

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if build_only:
        for folder in build_engines(checkpoint, size, precision, compute_capability):
            print(folder)
        print("not checked yet: --backend tensorrt or `jasmine doctor --gpu` do it on the robot")
        return
    found = validate_engines(checkpoint, require_gpu(), size, precision)
    levels = ", ".join(f"{stage} {level}" for stage, level in found.accuracy.precision.items())
    print(f"{levels}: {found.accuracy.summary()}; used from now on")


def doctor(
    checkpoint: Annotated[str, Positional, arg(metavar="CHECKPOINT")] = "jasmine-tiny",
    gpu: bool = False,
    size: Annotated[tuple[int, int] | None, arg(metavar="WIDTH HEIGHT")] = None,
    json: Annotated[Path, arg(metavar="FILE")] = Path("doctor.json"),
) -> int:
    """Say what this machine has, what it lacks and what that means for running a checkpoint.

    Args:
        checkpoint: folder of a checkpoint or of exports, or random:PRESET.
        gpu: run everything that needs a GPU: engines, their accuracy, latencies, memory.
        size: [px] of the images, for --gpu; by default those that it was trained on.
        json: file that --gpu writes.
    """
    from jasmine_core.doctor import examine, render

    print(render(examine(checkpoint)))
    if not gpu:
        return 0
    from jasmine_core.artifacts.checkpoint import Checkpoint
    from jasmine_core.doctor_gpu import examine_gpu, write_report

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    report = examine_gpu(Checkpoint.resolve(checkpoint), size)
    write_report(report, json)
    for name, reason in report["failed"].items():
        print(f"{name} failed: {reason}", file=sys.stderr)
    print(f"see {json}")
    return 1 if report["failed"] else 0


COMMANDS: dict[str, Callable[..., int | None]] = {
    "convert": convert,
    "doctor": doctor,
    "export": export,
    "render": render,
    "train": train,
}
