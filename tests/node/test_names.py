# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of topics, nodes and namespaces that ROS 2 allows, and others."""

from __future__ import annotations

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.node.names import expect_namespace, expect_node_name, expect_topic

BAD = ["a b", "9a", "é", "a__b", "a//b", "a-b", "a\n", "{x}", "a" * 201]


@pytest.mark.parametrize("name", ["", "/", "robot", "/robot", "robot/", "/a/b2/_c"])
def test_a_namespace_may_have_slashes_around_it(name):
    assert expect_namespace(name) == name


@pytest.mark.parametrize("name", ["image", "/a/image_raw", "~/x"])
def test_a_topic_may_be_relative_absolute_or_private(name):
    assert expect_topic(name, "--image") == name


@pytest.mark.parametrize("name", [*BAD, "~/x", "//x//"])
def test_a_namespace_that_ros_2_does_not_allow_is_refused(name):
    with pytest.raises(ConfigError, match=r"--namespace is .* no name in ROS 2; use letters"):
        expect_namespace(name)


@pytest.mark.parametrize("name", [*BAD, "", "/", "a/", "~x"])
def test_a_topic_that_ros_2_does_not_allow_is_refused(name):
    with pytest.raises(ConfigError, match="--image is"):
        expect_topic(name, "--image")


@pytest.mark.parametrize("name", [*BAD, "", "a/b", "/a"])
def test_a_node_name_that_ros_2_does_not_allow_is_refused(name):
    with pytest.raises(ConfigError, match="--node is"):
        expect_node_name(name)
