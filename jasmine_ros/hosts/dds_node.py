# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth node on DDS topics without a ROS 2 installation."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event

from jasmine_core.errors import ConfigError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.dds.ros_args import parse_ros_arguments
from jasmine_ros.dds.uri import domain_id, require_cyclonedds
from jasmine_ros.hosts.dds_log import ros_log
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.names import expect_namespace, expect_node_name, expect_topic
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import CAMERA_INFO, DEPTH, IMAGE, info_beside

REPORT_PERIOD = 5.0  # [s] between log lines with the counters


@dataclass(frozen=True)
class DdsNode:
    """Name, topics and DDS domain of a depth node."""

    image: str = IMAGE  # topic of the images
    camera_info: str | None = None  # None takes the one in the namespace of the images
    name: str = "depth"
    namespace: str = ""
    remappings: Mapping[str, str] = field(default_factory=dict)  # from topic name to topic name
    domain: int | None = None  # DDS domain; None takes ROS_DOMAIN_ID
    interface: str | None = None  # name of the network interface; None takes loopback
    seconds: float | None = None  # after which the node stops; None runs it until Ctrl-C

    def __post_init__(self) -> None:
        expect_node_name(self.name)
        expect_namespace(self.namespace)
        for name, topic in self.remaps().items():
            expect_topic(topic, f"the topic of {name}")

    def remaps(self) -> dict[str, str]:
        """Return the remappings, with those of the images and of the CameraInfo added."""
        image = self.remappings.get(IMAGE, self.image)
        info = self.remappings.get(CAMERA_INFO, CAMERA_INFO)
        if info == CAMERA_INFO:  # not remapped
            info = self.camera_info or info_beside(image)
        return {**self.remappings, IMAGE: image, CAMERA_INFO: info}


def with_ros_arguments(
    node: DdsNode, parameters: DepthParameters, ros: list[str]
) -> tuple[DdsNode, DepthParameters]:
    """Return the node and its parameters with the arguments after `--ros-args` applied."""
    given = parse_ros_arguments(ros, node.name, node.namespace)
    if given.parameters.pop("use_sim_time", False):
        raise ConfigError("use_sim_time needs ROS 2, whose /clock gives the time; leave it out")
    if not given.parameters.pop("autostart", True):
        raise ConfigError(
            "autostart: false needs ROS 2, whose life-cycle services start the node; leave it out"
        )
    node = replace(
        node,
        name=given.node,
        namespace=given.namespace,
        remappings={**node.remappings, **given.remaps},
    )
    return node, parameters.at_start(given.parameters)


def run_dds_node(node: DdsNode, parameters: DepthParameters) -> DepthComponent:
    """Run the depth node until Ctrl-C; return the component with its counters."""
    require_cyclonedds()
    from jasmine_ros.hosts.dds import DdsHost

    domain = domain_id(node.domain)
    with (
        Interrupt() as interrupt,
        ros_log(node.name),
        DdsHost(node.name, node.namespace, node.remaps(), domain, node.interface) as host,
    ):
        # 1. Configure in the worker thread, so that Ctrl-C does not wait until the network is
        # loaded.
        component, loaded = DepthComponent(host, parameters), Event()
        host.on_damaged = component.on_damaged

        def configure() -> None:
            component.configure()
            loaded.set()

        host.schedule(configure)
        host.spin(lambda: interrupt.requested or loaded.is_set())
        if not loaded.is_set():
            return component
        component.activate()
        gc.freeze()  # the garbage collector need not search the loaded network again and again
        host.log("info", f"subscribed to {component.image_topic}; depth on {host.resolve(DEPTH)}")

        # 2. Process images, and log the counters periodically.
        before = component.counts.processed, component.counts.ignored

        def report() -> None:
            nonlocal before
            counts = component.counts
            host.log("info", counts.progress(*before, REPORT_PERIOD))
            before = counts.processed, counts.ignored

        host.timer(REPORT_PERIOD, report)
        end = None if node.seconds is None else host.now() + round(node.seconds * 1e9)
        host.spin(lambda: interrupt.requested or (end is not None and host.now() >= end))

        # 3. Remove the topics before the network is freed.
        component.deactivate()
    component.cleanup()
    return component
