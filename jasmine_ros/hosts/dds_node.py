# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node on live topics without a ROS 2 installation."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event

from jasmine_core.errors import ConfigError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.dds.ros_args import parse_ros_arguments
from jasmine_ros.dds.uri import LOOPBACK, domain_id, require_cyclonedds
from jasmine_ros.node.core_log import core_log
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import CAMERA_INFO, DEPTH, IMAGE, info_beside

REPORT_PERIOD = 5.0  # [s]


@dataclass(frozen=True)
class DdsNode:
    """Name, topics and DDS domain of a depth node."""

    image: str = IMAGE  # topic; relative to the namespace without a leading slash
    camera_info: str | None = None  # topic; None: beside the images
    name: str = "depth"
    namespace: str = ""
    remappings: Mapping[str, str] = field(default_factory=dict)  # old topic name: new one
    domain: int | None = None  # None: ROS_DOMAIN_ID
    interface: str = LOOPBACK
    seconds: float | None = None  # after which the node stops; None: at Ctrl-C

    def remaps(self) -> dict[str, str]:
        """Return the remappings, completed by the topics of the images and of the CameraInfo."""
        image = self.remappings.get(IMAGE, self.image)
        info = self.remappings.get(CAMERA_INFO, CAMERA_INFO)
        if info == CAMERA_INFO:  # not remapped
            info = self.camera_info or info_beside(image)
        return {**self.remappings, IMAGE: image, CAMERA_INFO: info}


def with_ros_arguments(
    node: DdsNode, parameters: DepthParameters, ros: list[str]
) -> tuple[DdsNode, DepthParameters]:
    """Return the node and its parameters as changed by the arguments behind `--ros-args`."""
    told = parse_ros_arguments(ros, node.name, node.namespace)
    if told.parameters.pop("use_sim_time", False):
        raise ConfigError("use_sim_time is not for live topics without ROS 2; leave it out")
    if not told.parameters.pop("autostart", True):
        raise ConfigError("autostart: false needs ROS 2, whose life-cycle services start the node")
    node = replace(
        node,
        name=told.node,
        namespace=told.namespace,
        remappings={**node.remappings, **told.remaps},
    )
    return node, parameters.at_start(told.parameters)


def run_dds_node(node: DdsNode, parameters: DepthParameters) -> DepthComponent:
    """Run the depth node until Ctrl-C; return the component, for its counts."""
    require_cyclonedds()
    from jasmine_ros.hosts.dds import DdsHost

    domain = domain_id(node.domain)
    with (
        Interrupt() as interrupt,
        DdsHost(node.name, node.namespace, node.remaps(), domain, node.interface) as host,
        core_log(host.log),
    ):
        # 1. Bring the component up, in the worker: Ctrl-C does not wait for a network to load.
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
        gc.freeze()  # what is loaded stays: no search through it between frames, nor at the end
        host.log("info", f"listening to {component.image_topic}, depth on {host.resolve(DEPTH)}")

        # 2. Serve, and say now and then how it goes.
        before = component.counts.processed

        def report() -> None:
            nonlocal before
            counts, rate = component.counts, (component.counts.processed - before) / REPORT_PERIOD
            before = counts.processed
            host.log(
                "info",
                f"{rate:.1f} frames/s; {counts.received} received, {counts.processed} processed, "
                f"{counts.dropped} dropped for newer ones, {counts.skipped} skipped",
            )

        host.timer(REPORT_PERIOD, report)
        end = None if node.seconds is None else host.now() + round(node.seconds * 1e9)
        host.spin(lambda: interrupt.requested or (end is not None and host.now() >= end))

        # 3. Stop listening first, then let go of the network.
        component.deactivate()
    component.cleanup()
    return component
