# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The host names the package of messages that a ROS 2 does not have."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.msgs.transforms import TF_STATIC, TRANSFORMS

pytest.importorskip("rclpy", reason="rclpy cannot be imported here")
import rclpy
from rclpy.context import Context

from jasmine_ros.hosts.ros2 import Ros2Host

pytestmark = pytest.mark.ros


@pytest.fixture
def host(domain, monkeypatch):
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node("depth", context=context, namespace="left")
    host = Ros2Host(node)
    host.said = []
    monkeypatch.setattr(host, "log", lambda severity, text: host.said.append((severity, text)))
    yield host
    host.unsubscribe()
    node.destroy_node()
    context.try_shutdown()


def test_a_topic_of_a_missing_package_is_refused_with_the_remedy(host):
    with pytest.raises(ConfigError, match=r"/left/odom cannot .* ros-jazzy-unknown-msgs"):
        host.subscribe("odom", "unknown_msgs/msg/Odometry", lambda message: None)


@pytest.mark.skipif(bool(find_spec("tf2_msgs")), reason="this ROS 2 has tf2_msgs")
def test_without_the_package_of_transforms_the_node_goes_on(host):
    host.subscribe(TF_STATIC, TRANSFORMS, lambda message: None, latched=True)
    [(severity, text)] = host.said
    assert severity == "warn" and "/tf_static" in text and "ros-jazzy-tf2-msgs" in text
