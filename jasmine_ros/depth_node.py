# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Executable of the depth node: `ros2 run jasmine_ros depth_node --ros-args ...`.

On a ROS 2 installation it is an rclpy life-cycle node. Without rclpy it runs the same component on
the same topics over Cyclone DDS, like `jasmine live`.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from jasmine_core.child import isolate
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_ros.dds.ros_args import split_ros_arguments
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.worker import end_process

_log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the node until Ctrl-C; an error of the user is logged as one line, with status 1."""
    logging.basicConfig(format="%(levelname)s: %(message)s")
    # Threads that spin while they wait slow the network down if other processes need the CPU.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    isolate()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            import rclpy  # type: ignore[import-not-found]  # noqa: F401
        except ImportError as err:
            _log.warning("rclpy cannot be imported (%s); Cyclone DDS is used instead", err)
            _live(arguments)
        from jasmine_ros.hosts.ros2_node import run_node

        run_node([sys.argv[0], *arguments])
    except JasmineError as err:
        _log.error("%s", err)
        return 1
    except KeyboardInterrupt:  # before the node handles the signal
        return 0


def _live(arguments: list[str]) -> NoReturn:
    own, ros = split_ros_arguments(arguments)
    if own:
        raise ConfigError(f"{own[0]} is unknown; give all arguments after --ros-args")
    from jasmine_ros.hosts.dds_node import DdsNode, run_dds_node, with_ros_arguments

    run_dds_node(*with_ros_arguments(DdsNode(), DepthParameters(), ros))
    end_process()


if __name__ == "__main__":
    sys.exit(main())
