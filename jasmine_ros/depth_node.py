# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node as launch files start it: `ros2 run jasmine_ros depth_node --ros-args ...`.

On a ROS 2 installation it is an rclpy life-cycle node; where rclpy does not import, the same
component on the same topics over Cyclone DDS, as `jasmine live`.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from jasmine_core.child import isolate
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_ros.dds.ros_args import split_ros_arguments
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.worker import end_process


def main(argv: list[str] | None = None) -> int:
    """Run the node until Ctrl-C; a user's mistake is one line and status 1."""
    # Threads that spin while they wait would make the network slow beside any other process.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    isolate()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            import rclpy  # type: ignore[import-not-found]  # noqa: F401
        except ImportError as err:
            print(f"rclpy does not import ({err}): live over Cyclone DDS instead", file=sys.stderr)
            _live(arguments)
        from jasmine_ros.hosts.ros2_node import run_node

        run_node([sys.argv[0], *arguments])
    except JasmineError as err:
        print(f"error: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the node itself listens for it
        return 0


def _live(arguments: list[str]) -> NoReturn:
    own, ros = split_ros_arguments(arguments)
    if own:
        raise ConfigError(f"{own[0]} is unknown; everything is said behind --ros-args")
    from jasmine_ros.hosts.dds_node import DdsNode, run_dds_node, with_ros_arguments

    run_dds_node(*with_ros_arguments(DdsNode(), DepthParameters(), ros))
    end_process()


if __name__ == "__main__":
    sys.exit(main())
