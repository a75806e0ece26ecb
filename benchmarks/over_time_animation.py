# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Animation of a rendered street: the image, its depth as the network gives it, and filtered.

    .venv/bin/python benchmarks/over_time_animation.py                   # docs/over_time.gif
    .venv/bin/python benchmarks/over_time_animation.py --world room --scene 3 -o room.gif

Both depth maps have one scale for the whole clip and the same colours, so that a change of colour
is a change of depth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import cv2
import numpy as np
import recordings
import tyro
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from jasmine_core.errors import JasmineError
from jasmine_core.evaluate.steady import SteadyClips
from jasmine_core.evaluate.world import world_samples
from jasmine_core.files import atomic_file
from jasmine_core.runtime.predictor import DepthPredictor

FILE = Path(__file__).parents[1] / "docs" / "over_time.gif"
LARGEST = 3_000_000  # [bytes]
NAMES = ("image", "depth of each image: temporal off", "along the motion: temporal fuse")
COLOURS = 128  # of the palette that all images share
_TITLE = 18  # [px]

Rgb = NDArray[np.uint8]
Depths = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Options:
    """Options of the animation."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    world: Literal["street", "room"] = "street"  # Kind of the rendered scene.
    scene: int = 0  # Number of the test scene.
    frames: int = 30  # Number of images.
    width: int = 480  # Width of the animation [px].
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = FILE  # GIF file.


def predict(options: Options) -> tuple[list[Rgb], Depths, Depths]:
    """Return the images of the scene, their raw depth and their filtered depth."""
    predictor = DepthPredictor.from_pretrained(options.checkpoint)
    steady = SteadyClips("fuse", metric=False)
    images, raw, fused = [], [], []
    count, rate = options.frames, recordings.RATE
    seed = 1000 + options.scene  # whose first scene is no other one's
    samples = world_samples(options.world, seed, count, rate, count, moving_objects=True)
    for sample in tqdm(samples, total=count, unit="image"):
        depth = predictor(sample.image, sample.focal).depth
        images.append(sample.image)
        raw.append(depth)
        fused.append(steady(depth, sample.image, sample.stamp, sample.pose))
    return images, raw, fused


def draw(images: list[Rgb], raw: Depths, fused: Depths, width: int) -> list[Rgb]:
    """Return the images above their depth maps [h,w,3], with one range of colours."""
    inverse = 1 / np.concatenate([depth[::4, ::4].ravel() for depth in raw])
    far, near = np.percentile(inverse[np.isfinite(inverse)], (2, 98))

    def panel(rgb: NDArray[Any], name: str) -> Rgb:
        height = round(width * rgb.shape[0] / rgb.shape[1])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        title = np.full((_TITLE, width, 3), 255, np.uint8)
        font, ink = cv2.FONT_HERSHEY_SIMPLEX, (0, 0, 0)
        cv2.putText(title, name, (4, _TITLE - 5), font, 0.42, ink, 1, cv2.LINE_AA)
        return np.concatenate([title, small]).astype(np.uint8)

    def coloured(depth: NDArray[np.float32]) -> Rgb:
        level = np.clip((1 / depth - far) / max(near - far, 1e-12), 0, 1)
        level = np.nan_to_num(255 * level).astype(np.uint8)
        bgr = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)

    return [
        np.concatenate(
            [panel(x, name) for x, name in zip((rgb, coloured(a), coloured(b)), NAMES, strict=True)]
        )
        for rgb, a, b in zip(images, raw, fused, strict=True)
    ]


def write(drawn: list[Rgb], path: Path) -> int:
    """Write an animation that repeats; return its size [bytes]."""
    # The palette is that of some images of the whole clip, so that colours do not flicker.
    some = Image.fromarray(np.concatenate(drawn[:: max(1, len(drawn) // 6)]))
    palette = some.quantize(COLOURS, dither=Image.Dither.NONE)
    pages = [
        Image.fromarray(rgb).quantize(palette=palette, dither=Image.Dither.NONE) for rgb in drawn
    ]
    period = round(1000 / recordings.RATE)  # [ms]
    with atomic_file(path) as temporary:
        pages[0].save(
            temporary, "GIF", save_all=True, append_images=pages[1:], duration=period, loop=0
        )
    return path.stat().st_size


def require_size(path: Path, size: int, largest: int) -> None:
    """Print the size [bytes] of an animation; raise JasmineError if it is above the largest."""
    print(f"{path}: {size / 1e6:.2f} MB")
    if size > largest:
        raise JasmineError(f"{path} has more than {largest / 1e6:g} MB; reduce --width or --frames")


def main(options: Options) -> None:
    """Write the animation."""
    size = write(draw(*predict(options), options.width), options.output)
    require_size(options.output, size, LARGEST)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
