# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time from `ros2 launch` to the first depth, beside that of the process of the node alone.

    python benchmarks/ros2_launch.py    # with the workspace sourced, so that ros2 finds the package

The wheels of rclpy do not contain `ros2 launch`. In each round both kinds of start take turns, with
torch, and with ONNX Runtime on a cold and on a warm cache. Processor time is that of all processes
and threads, `ros2 launch` included. The results are in benchmarks/results/ros2_launch.json.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ros2_live
import tyro
import yaml
from ros2_camera import Camera
from ros2_live import Node, first_depth, table_of_starts
from ros2_transport import Receiver

from jasmine_core.evaluate.report import write_json

RESULTS = Path(__file__).parent / "results" / "ros2_launch.json"


@dataclass(frozen=True)
class Options:
    """Options of the benchmark."""

    checkpoint: str = "jasmine-tiny"  # Checkpoint to run.
    starts: int = 3  # Number of counted starts of each kind.
    domain: int = 1 + os.getpid() % 101  # DDS domain.
    output: Path = RESULTS  # JSON file of the results.


class LaunchedNode(Node):
    """Process of `ros2 launch` with the launch file of the node."""

    def command(self, namespace: str, cache: Path, parameters: dict[str, Any]) -> list[str]:
        """Return the command that starts the node."""
        file = cache / f"{namespace.strip('/')}.yaml"
        file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
        command = ["ros2", "launch", "jasmine_ros", "depth.launch.py"]
        return [*command, f"namespace:={namespace}", f"params_file:={file}"]


KINDS = {"process of the node, ": Node, "ros2 launch, ": LaunchedNode}


def main(options: Options) -> None:
    """Measure all starts; print the table and write the results."""
    if shutil.which("ros2") is None:
        raise SystemExit("ros2 is not on the PATH; source the setup file of a workspace")
    os.environ |= {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    os.environ |= {"ROS_DOMAIN_ID": str(options.domain), "OMP_NUM_THREADS": "1"}
    load = os.getloadavg()[0]
    receiver, camera = Receiver(), Camera()
    with TemporaryDirectory() as folder:
        starts = ros2_live.Options(options.checkpoint, starts=options.starts)
        rows = first_depth(starts, Path(folder), receiver, camera, KINDS)
    camera.close()
    receiver.close()
    result: dict[str, Any] = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "starts": options.starts,
        "first_depth": rows,
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],  # of one minute, before and after
    }
    write_json(options.output, result)
    print(f"{table(result)}\n\nsee {options.output}")


def table(result: dict[str, Any]) -> str:
    """Return the starts as Markdown."""
    return table_of_starts(result["first_depth"])


if __name__ == "__main__":
    main(tyro.cli(Options, description=__doc__))
