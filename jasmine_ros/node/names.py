# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of topics, nodes and namespaces, which ROS 2 restricts.

Other programs of ROS 2 cannot subscribe to a topic whose name breaks these rules:
https://design.ros2.org/articles/topic_and_service_names.html
"""

from __future__ import annotations

import re

from jasmine_core.errors import ConfigError

LONGEST = 200  # characters; DDS allows 256, with a prefix and a suffix
_TOKEN = r"[A-Za-z_][A-Za-z0-9_]*"
_TOPIC = re.compile(rf"(~/|/)?{_TOKEN}(/{_TOKEN})*")


def is_topic(name: str) -> bool:
    """Return whether ROS 2 allows a name for a topic."""
    return len(name) <= LONGEST and "__" not in name and _TOPIC.fullmatch(name) is not None


def expect_topic(name: str, option: str) -> str:
    """Return the name of a topic; raise ConfigError if ROS 2 does not allow it."""
    return _expect(name, option, name)


def expect_namespace(name: str, option: str = "--namespace") -> str:
    """Return a namespace; raise ConfigError if ROS 2 does not allow it. It may be empty."""
    inside = name.removeprefix("/").removesuffix("/")
    return _expect(name, option, f"/{inside}") if inside else name


def expect_node_name(name: str, option: str = "--node") -> str:
    """Return the name of a node; raise ConfigError if ROS 2 does not allow it."""
    return _expect(name, option, "" if "/" in name else name)


def _expect(given: str, option: str, name: str) -> str:
    if not is_topic(name):
        raise ConfigError(
            f"{option} is {given!r}, which is no name in ROS 2; use letters, digits and single "
            f"underscores, with a letter at the beginning, and at most {LONGEST} characters"
        )
    return given
