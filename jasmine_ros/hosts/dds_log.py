# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log of the DDS host: lines on stderr in the format of ROS 2 nodes."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager

from jasmine_ros.node.core_log import log_to


class _RosFormatter(logging.Formatter):
    """Format `[WARN] [1700000000.123] [depth]: text`, with the severity names of ROS 2."""

    def __init__(self, node: str) -> None:
        line = "[%(severity)s] [%(created).3f] [%(node)s]: %(message)s"
        super().__init__(line, defaults={"node": node})

    def format(self, record: logging.LogRecord) -> str:
        record.severity = record.levelname.removesuffix("ING")  # ROS 2 writes WARN
        return super().format(record)


def ros_log(node: str) -> AbstractContextManager[None]:
    """Write the log of both packages to stderr inside the block, as the node of this name."""
    handler = logging.StreamHandler()
    handler.setFormatter(_RosFormatter(node))
    return log_to(handler, "jasmine_core", "jasmine_ros")
