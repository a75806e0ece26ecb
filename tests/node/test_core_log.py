# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Log records of the core in the log of a host."""

from __future__ import annotations

import logging

from jasmine_ros.node.core_log import core_log


def test_the_host_logs_records_of_the_core_with_their_severity():
    lines, core = [], logging.getLogger("jasmine_core.engines.builder")
    with core_log(lambda severity, text: lines.append((severity, text))):
        core.debug("hidden")
        core.info("%d of %d", 1, 2)
        core.warning("slow")
        core.error("lost")
        logging.getLogger("another.library").error("not ours")
    core.error("after the block")
    assert lines == [("info", "1 of 2"), ("warn", "slow"), ("error", "lost")]
