# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether segments that `jasmine mine` chose teach more than as many random ones.

    python training/ablations/mining.py -o runs/mining                   # 200 recordings, 3 seeds
    python training/ablations/mining.py -o runs/mining --recordings 20 --seeds 1 --steps 100

A fleet is rendered and mined with the starting checkpoint. The chosen segments, and for each seed
as many random ones, are prepared and trained on with the same recipe. AbsRel with median scaling is
that of rendered scenes of four kinds that no training uses. The same command continues after an
interruption; the results are in OUT/mining.json.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from jasmine_core.dataset.sequence import INDEX
from jasmine_core.evaluate.metrics import mean_metrics
from jasmine_core.evaluate.protocols import evaluate_depth
from jasmine_core.evaluate.run import Sample
from jasmine_core.evaluate.world import CALIBRATION_KINDS, calibration_samples
from jasmine_core.files import atomic_file
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.synthetic.config import Kind
from jasmine_core.train.recipe import Phase, read_recipe
from jasmine_core.train.trainer import train
from jasmine_ros.bags.segments import write_chosen
from jasmine_ros.cli import main as jasmine


@dataclass(frozen=True)
class Options:
    """Options of the command."""

    output: Annotated[Path, arg(aliases=["-o"])]  # Folder of the data, trainings and results.
    recipe: Path = Path("training/finetune_bag.yaml")  # Recipe of all trainings.
    recordings: int = 200  # Number of recordings of the fleet.
    common: Kind | None = None  # World of nine of ten recordings; all worlds without it.
    frames: int = 60  # Number of images of a recording.
    segment: float = 2.0  # Length of a segment [s].
    share: float = 0.25  # Share of the segments that is trained on.
    seeds: int = 3  # Number of trainings with each choice.
    steps: int = 600  # Steps of a training.
    scenes: int = 25  # Number of test scenes of each of four kinds, with two images each.


def run(*arguments: str | Path | float) -> None:
    """Run a command of jasmine; broken recordings of the fleet give status 1."""
    if jasmine([str(argument) for argument in arguments]) not in (0, 1):
        raise SystemExit(f"jasmine {arguments[0]} was interrupted")


def write_random(mined: Path, seed: int, path: Path) -> None:
    """Write as many random segments as were chosen."""
    rows = json.loads((mined / "mine.json").read_text())["segments"]
    count = sum(row["chosen"] for row in rows)
    rows.sort(key=lambda row: (row["recording"], row["start"]))
    picked = random.Random(seed).sample(rows, count)
    write_chosen(path, [(row["recording"], row["start"], row["stop"]) for row in picked])


def trained(options: Options, name: str, segments: Path, seed: int) -> Path:
    """Prepare some segments and train on them; return the checkpoint."""
    data = options.output / "data" / name
    run(
        "prepare", options.output / "fleet", "-o", data, "--segments", segments, "--width", 320,
        "--height", 96,
    )  # fmt: skip
    output = options.output / "runs" / f"{name}-{seed}"
    if not (output / "final").is_dir():
        recipe = read_recipe(options.recipe)
        places = tuple(str(file.parent) for file in sorted(data.glob(f"*/{INDEX}")))
        own = replace(recipe.data, sequences=places, held_out=0.0)
        phases = (Phase(options.steps, recipe.phases[0].train),)
        train(replace(recipe, data=own, seed=seed, phases=phases), output, resume=output.is_dir())
    return output / "final"


def abs_rel(checkpoint: Path | str, samples: Sequence[Sample]) -> dict[str, float]:
    """Return the mean AbsRel of a checkpoint on all test scenes, and on those of each kind."""
    # A graph of one size would crop images that the trained checkpoints, which have none, do not.
    predictor = DepthPredictor.from_pretrained(checkpoint, "torch")
    found = [
        evaluate_depth(predictor(s.image, s.focal).depth, s.ground_truth, "plain") for s in samples
    ]
    kinds = {
        kind: [one for i, one in enumerate(found) if i // 2 % len(CALIBRATION_KINDS) == number]
        for number, kind in enumerate(CALIBRATION_KINDS)  # two images of each kind in turn
    }
    return {name: mean_metrics(part).abs_rel for name, part in {"all": found, **kinds}.items()}


def main(options: Options) -> None:
    """Compare both choices, seed by seed."""
    fleet, mined = options.output / "fleet", options.output / "mined"
    start = read_recipe(options.recipe).start
    common = ["--common", options.common] if options.common else []
    run("render", "--fleet", options.recordings, "--frames", options.frames, "-o", fleet, *common)
    if not (mined / "mine.json").is_file():
        run(
            "mine", fleet, "-o", mined, "--checkpoint", start, "--rate", 2,
            "--segment", options.segment, "--share", options.share,
        )  # fmt: skip
    samples = list(calibration_samples(options.scenes))
    results: dict[str, list[dict[str, float]]] = {
        "start": [abs_rel(start, samples)],
        "chosen": [],
        "random": [],
    }
    print(f"start: AbsRel {rounded(results['start'][0])}", flush=True)
    for seed in range(options.seeds):
        other = options.output / f"random-{seed}.json"
        write_random(mined, seed, other)
        for name, folder, segments in (
            ("chosen", "chosen", mined / "chosen.json"),
            ("random", f"random-{seed}", other),
        ):
            checkpoint = trained(options, folder, segments, seed)
            results[name].append(abs_rel(checkpoint, samples))
            print(f"{name}, seed {seed}: AbsRel {rounded(results[name][-1])}", flush=True)
        with atomic_file(options.output / "mining.json") as temporary:
            temporary.write_text(json.dumps(results, indent=2) + "\n")


def rounded(scores: dict[str, float]) -> str:
    """Return scores for the terminal."""
    return ", ".join(f"{name} {value:.4f}" for name, value in scores.items())


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
