# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Division of the training data into training and validation samples."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jasmine_core.dataset.kitti import KittiRaw
from jasmine_core.dataset.samples import Sample
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.dataset.sequences import open_sequences
from jasmine_core.train.recipe import DataConfig


class Split(NamedTuple):
    """Training samples, validation samples (the end of each sequence), and unusable sequences."""

    training: list[Sample]
    validation: list[Sample]
    unusable: list[Path]  # sequences too short to give a training sample


def split_samples(config: DataConfig) -> Split:
    """Read the sequences; raise DatasetError if no training sample is left."""
    split = Split([], [], [])
    for folder in config.sequences:
        for sequence in open_sequences(Path(folder)):
            samples = [sequence.sample(i) for i in range(len(sequence))]
            held = round(len(samples) * config.held_out)
            # The two samples before the held-out ones share images with them, and are left out.
            ending = held + 2 if held else 0
            training = samples[: max(0, len(samples) - ending)]
            if not training:
                split.unusable.append(sequence.folder)
                continue
            split.training.extend(training)
            split.validation.extend(samples[len(samples) - held :])
    if config.kitti:
        lists = ((split.training, config.kitti.train), (split.validation, config.kitti.validate))
        for samples, file in lists:
            if file:
                kitti = KittiRaw(Path(config.kitti.root), Path(file), paper_intrinsics=True)
                samples.extend(kitti.sample(i) for i in range(len(kitti)))
    for sample in split.training if config.metres_per_unit else ():
        known = sample.depth or sample.relative or sample.metres_per_unit is not None
        if sample.teacher and not known:
            raise DatasetError(
                f"{sample.teacher} is in unknown units, but data.metres_per_unit needs metres; "
                "render the scenes again, or add metres_per_unit to their sequence.json"
            )
    if not split.training:
        raise DatasetError(
            f"{', '.join(config.sequences)}: no sequence is long enough for an image with "
            "neighbours on both sides; record a longer drive, or lower data.held_out"
        )
    return split
