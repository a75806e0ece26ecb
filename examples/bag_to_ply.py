# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Point cloud of one image of a recording, as a PLY file for MeshLab, CloudCompare or Open3D.

    python examples/bag_to_ply.py RECORDING cloud.ply         # the first image
    python examples/bag_to_ply.py RECORDING cloud.ply 2.5 30  # that after 2.5 s; a unit is 30 m

The node runs on the image, so that encodings, lens distortion and intrinsics are treated as on a
robot. Without metres per unit the cloud is in model units.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.run import run
from jasmine_ros.commands.run_request import RunRequest
from jasmine_ros.msgs.point_clouds import read_colours, read_points
from jasmine_ros.node.parameters import DepthParameters

VERTEX = np.dtype([(n, "<f4") for n in "xyz"] + [(n, "u1") for n in ("red", "green", "blue")])
TYPES = {"<f4": "float", "|u1": "uchar"}  # names of PLY


def cloud_of(recording: Path, seconds: float, metres_per_unit: float) -> Any:
    """Return the PointCloud2 of the first image after some seconds of a recording."""
    parameters = DepthParameters(publish_points=True, metres_per_unit=metres_per_unit)
    with TemporaryDirectory() as folder:
        output = Path(folder) / "result"
        run(RunRequest((recording,), output, start=seconds, limit=1, parameters=parameters))
        with Bag(output / "depth") as bag:
            return bag.decode(next(iter(bag.messages(["/depth/points"]))))


def vertices(cloud: Any) -> NDArray[Any]:
    """Return the known points [N] of a coloured PointCloud2 as records of a PLY file."""
    points, colours = read_points(cloud), read_colours(cloud)  # [N,3], [N,3]
    known = np.isfinite(points).all(axis=1)
    records = np.empty(np.count_nonzero(known), VERTEX)
    for column, name in enumerate("xyz"):
        records[name] = points[known, column]
    for column, name in enumerate(("red", "green", "blue")):
        records[name] = colours[known, column]
    return records


def write_ply(file: Path, records: NDArray[Any]) -> None:
    """Write records as the vertices of a binary PLY file."""
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {len(records)}"]
    lines += [f"property {TYPES[VERTEX[name].str]} {name}" for name in VERTEX.names or ()]
    file.write_bytes("\n".join([*lines, "end_header", ""]).encode() + records.tobytes())


def main(recording: str, file: str, seconds: str = "0", metres_per_unit: str = "0") -> None:
    """Write the cloud of an image."""
    records = vertices(cloud_of(Path(recording), float(seconds), float(metres_per_unit)))
    write_ply(Path(file), records)
    print(f"{file}: {len(records)} points")


if __name__ == "__main__":
    main(*sys.argv[1:])
