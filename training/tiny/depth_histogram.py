# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Histogram of depth in rendered scenes, with measured depth for comparison.

    python training/tiny/depth_histogram.py -o training/tiny/depth_histogram.png
    python training/tiny/depth_histogram.py -o hist.png --measured DIR   # 16-bit PNG, metres x 256

Measured depth is not a target, because a LiDAR measures neither sky nor glass, and little beyond
80 m.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray

from jasmine_core.dataset.sequence import read_labels
from jasmine_core.synthetic.config import Kind
from jasmine_core.synthetic.drive import render_drive
from jasmine_core.synthetic.sequences import training_world

SIZE = (160, 48)
EDGES = np.array([0.25, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400, 1e9])
FAR = 40.0  # [m]
Depth = NDArray[np.float32]


def rendered(kind: Kind, scenes: int) -> Iterator[Depth]:
    """Yield the depth [m] of the middle image of each training scene, with inf for sky."""
    for seed in range(scenes):
        config = training_world(kind, SIZE, 3)
        yield render_drive(seed, config).depths[1, 0].numpy()


def measured(folder: Path) -> Iterator[Depth]:
    """Yield the depth [m] of every fourth PNG of a folder, with inf for pixels without depth."""
    for file in sorted(folder.glob("*.png"))[::4]:
        steps = read_labels(file).astype(np.float32)
        yield np.where(steps > 0, steps / 256, np.inf)


def histogram(depths: Iterator[Depth]) -> tuple[NDArray[np.float64], float, float]:
    """Return the shares of each distance and of depth beyond FAR in finite depth, and of sky."""
    counts, sky, total = np.zeros(len(EDGES) - 1), 0, 0
    far = 0
    for depth in depths:
        finite = depth[np.isfinite(depth)]
        counts += np.histogram(finite, EDGES)[0]
        far += int((finite > FAR).sum())
        total += depth.size
        sky += depth.size - finite.size
    return counts / counts.sum(), far / (total - sky), sky / total


def main() -> None:
    """Print a table of the distances in rendered scenes, and write the figure."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="PNG file of the figure.")
    parser.add_argument("--scenes", type=int, default=120, help="Number of scenes of each kind.")
    parser.add_argument("--measured", type=Path, help="Folder of 16-bit PNG files, metres x 256.")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = {str(k): histogram(rendered(k, options.scenes)) for k in get_args(Kind)}
    if options.measured:
        rows[f"measured ({options.measured.name})"] = histogram(measured(options.measured))
    print(f"| kind | beyond {FAR:.0f} m, of all but sky | sky |\n|---|---|---|")
    for name, (_, far, sky) in rows.items():
        print(f"| {name} | {far:.3f} | {sky:.3f} |")

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4), layout="constrained")
    labels = [f"{low:g}" for low in EDGES[:-1]]
    for name, (share, far, _) in rows.items():
        axes.step(labels, share, where="mid", label=f"{name}: {100 * far:.0f} % beyond {FAR:.0f} m")
    axes.set_xlabel("depth from [m]")
    axes.set_ylabel("share of the pixels that are not sky")
    axes.legend()
    figure.savefig(options.output, dpi=110)
    print(options.output)


if __name__ == "__main__":
    main()
