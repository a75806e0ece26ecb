# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log lines of the hosts on bags and on DDS."""

from __future__ import annotations

import logging
import re

from helpers.camera_bags import START, write_bag

from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.reader import Bag
from jasmine_ros.hosts.bag import BagHost
from jasmine_ros.hosts.dds_log import ros_log
from jasmine_ros.node.core_log import log_to


class Records(logging.Handler):
    """A handler that keeps the level and the text of each record."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append((record.levelname, record.getMessage()))


def test_the_dds_host_logs_to_stderr_in_the_format_of_ros(capsys):
    host, core = (logging.getLogger(n) for n in ("jasmine_ros.hosts.dds", "jasmine_core.engines"))
    with ros_log("left_depth"):
        host.warning("no image for %d s", 5)
        core.info("100 % built")
        host.debug("hidden")
    host.error("after the block")
    lines = [line for line in capsys.readouterr().err.splitlines() if "[left_depth]" in line]
    patterns = (
        r"\[WARN\] \[\d+\.\d{3}\] \[left_depth\]: no image for 5 s",
        r"\[INFO\] \[\d+\.\d{3}\] \[left_depth\]: 100 % built",
    )
    assert len(lines) == 2
    assert all(re.fullmatch(*pair) for pair in zip(patterns, lines, strict=True))


def test_the_bag_host_logs_through_the_package(tmp_path):
    records = Records()
    with Bag(write_bag(tmp_path / "in", lambda bag: bag.info(START))) as bag:
        host = BagHost(bag, CameraTopics("/camera/image_raw", None))
        with log_to(records, "jasmine_ros"):
            for severity in ("debug", "info", "warn", "error"):
                host.log(severity, f"100 % {severity}")
    assert records.lines == [
        ("INFO", "100 % info"),
        ("WARNING", "100 % warn"),
        ("ERROR", "100 % error"),
    ]
