# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Animation of a rendered street: the image, its depth, and the cloud of points, which turns.

    .venv/bin/python benchmarks/cloud_animation.py                 # docs/cloud.gif
    .venv/bin/python benchmarks/cloud_animation.py --scene 3 -o street.gif

The cloud is what `depth/points` holds: the depth of each image alone, without the pixels at depth
edges, in the colours of the image. It is seen from behind and above the camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import over_time_animation
import recordings
import tyro
from numpy.typing import NDArray
from tqdm import tqdm

from jasmine_core.evaluate.world import world_samples
from jasmine_core.geometry.camera import Camera
from jasmine_core.geometry.points import back_project, without_flying_pixels
from jasmine_core.runtime.colorize import colorize
from jasmine_core.runtime.predictor import DepthPredictor

FILE = Path(__file__).parents[1] / "docs" / "cloud.gif"
LARGEST = 4_000_000  # [bytes]
FARTHEST = 45.0  # [m] of the points that are drawn
EDGE = 0.08  # largest relative step of depth between neighbours that is drawn
TURN = 0.5  # [rad] of the view to each side
BACK, ABOVE, DOWN = 9.0, 5.0, 0.27  # [m] behind and above the camera, [rad] of its pitch
_GROUND = (24, 26, 30)  # RGB of the background

Rgb = NDArray[np.uint8]


@dataclass(frozen=True)
class Options:
    """Options of the animation."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    world: Literal["street", "room"] = "street"  # Kind of the rendered scene.
    scene: int = 0  # Number of the test scene.
    frames: int = 50  # Number of images; the view turns once to both sides in them.
    width: int = 860  # Width of the animation [px].
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = FILE  # GIF file.


def view_of(turn: float) -> NDArray[np.float64]:
    """Return T_view_camera [4,4] of a view that looks at the scene from a side angle [rad]."""
    centre = np.array([0.0, 0.0, 14.0])  # [m] in front of the camera, around which the view turns
    c, s = math.cos(turn), math.sin(turn)
    around = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    c, s = math.cos(DOWN), math.sin(DOWN)
    pitch = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    place = (
        around @ (np.array([0.0, -ABOVE, -BACK]) - centre) + centre
    )  # of the view, in the camera
    T = np.eye(4)
    T[:3, :3] = pitch @ around.T
    T[:3, 3] = -T[:3, :3] @ place
    return T


def splat(points: NDArray[np.float32], colours: Rgb, view: Camera, T: NDArray[np.float64]) -> Rgb:
    """Return an image [h,w,3] of coloured points [N,3]; near points hide far ones."""
    seen = points @ T[:3, :3].T + T[:3, 3]  # [N,3] in the frame of the view
    ahead = seen[:, 2] > 0.5
    seen, colours = seen[ahead], colours[ahead]
    order = np.argsort(-seen[:, 2])  # the nearest is painted last
    uvw = seen[order] @ view.K.T
    u, v = np.rint(uvw[:, :2] / uvw[:, 2:]).astype(np.int64).T
    image = np.full((view.height, view.width, 3), _GROUND, np.uint8)
    for dv, du in np.ndindex(2, 2):  # a point covers 2x2 px
        inside = (u + du >= 0) & (u + du < view.width) & (v + dv >= 0) & (v + dv < view.height)
        image[v[inside] + dv, u[inside] + du] = colours[order][inside]
    return image


def draw(options: Options) -> list[Rgb]:
    """Return the drawn images [h,w,3]: image and depth below each other, the cloud beside them."""
    predictor = DepthPredictor.from_pretrained(options.checkpoint)
    unit = predictor.metres_per_unit or 1.0
    count, rate = options.frames, recordings.RATE
    seed = 1000 + options.scene  # whose first scene is no other one's
    drawn = []
    samples = world_samples(options.world, seed, count, rate, count, moving_objects=True)
    for index, sample in enumerate(tqdm(samples, total=count, unit="image")):
        depth = unit * predictor(sample.image, sample.focal).depth  # [H,W] in metres
        assert sample.pose is not None
        solid = without_flying_pixels(depth, EDGE)
        cloud = back_project(solid, sample.pose.K).reshape(-1, 3)
        known = cloud[:, 2] < FARTHEST  # false for NaN
        turn = TURN * math.sin(2 * math.pi * index / count)
        side = round(0.42 * options.width)
        height = round(side * sample.image.shape[0] / sample.image.shape[1])
        small = [
            cv2.resize(rgb, (side, height), interpolation=cv2.INTER_AREA)
            for rgb in (sample.image, colorize(depth))
        ]
        left = np.concatenate(small)
        wide = options.width - side
        K = np.array([[0.8 * wide, 0, wide / 2], [0, 0.8 * wide, 0.5 * len(left)], [0, 0, 1.0]])
        view = Camera(wide, len(left), K)
        colours = sample.image.reshape(-1, 3)[known]
        right = splat(cloud[known], colours, view, view_of(turn))
        drawn.append(np.concatenate([left, right], axis=1).astype(np.uint8))
    return drawn


def main(options: Options) -> None:
    """Write the animation."""
    size = over_time_animation.write(draw(options), options.output)
    over_time_animation.require_size(options.output, size, LARGEST)


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
