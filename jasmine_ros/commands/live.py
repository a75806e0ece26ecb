# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node on live topics without a ROS 2 installation: `jasmine live`."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass, replace
from threading import Event
from typing import Annotated

from tyro.conf import arg

from jasmine_core.errors import ConfigError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.dds.ros_args import parse_ros_arguments
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import CAMERA_INFO, DEPTH, IMAGE, info_beside

REPORT_PERIOD = 5.0  # [s]


@dataclass(frozen=True)
class LiveRun:
    """Say where the node lives and what it listens to."""

    image: Annotated[str, arg(metavar="TOPIC")] = "/camera/image_raw"
    """topic of the images; one that ends in /compressed carries JPEG or PNG"""
    camera_info: Annotated[str | None, arg(metavar="TOPIC")] = None
    """topic of the CameraInfo; beside the images unless given"""
    namespace: Annotated[str, arg(metavar="NAME")] = ""
    """of the output topics"""
    node: Annotated[str, arg(metavar="NAME")] = "depth"
    """name of the node"""
    remap: Annotated[tuple[str, ...], arg(aliases=["-r"], metavar="FROM:=TO")] = ()
    """other names for topics"""
    domain: Annotated[int | None, arg(metavar="ID")] = None
    """DDS domain; ROS_DOMAIN_ID unless given"""
    interface: Annotated[str, arg(metavar="NAME")] = "lo"
    """network interface; lo keeps everything on this machine"""
    seconds: Annotated[float | None, arg(metavar="SECONDS")] = None
    """stop after this long; until Ctrl-C unless given"""

    @property
    def remaps(self) -> dict[str, str]:
        """Return the names of topics as the node calls them: as they shall be."""
        given = dict(_remap(rule) for rule in self.remap)
        image = given.get(IMAGE, self.image)
        info = given.get(CAMERA_INFO, CAMERA_INFO)
        if info == CAMERA_INFO:  # not remapped
            info = self.camera_info or info_beside(image)
        return given | {IMAGE: image, CAMERA_INFO: info}


def _remap(rule: str) -> tuple[str, str]:
    before, mark, after = rule.partition(":=")
    if not (mark and before and after):
        raise ConfigError(f"remapping {rule!r} is not of the form FROM:=TO")
    return before, after


def with_ros_arguments(
    run: LiveRun, parameters: DepthParameters, ros: list[str]
) -> tuple[LiveRun, DepthParameters]:
    """Return what to run after all that stands behind `--ros-args` is heard."""
    told = parse_ros_arguments(ros, run.node, run.namespace)
    if told.parameters.pop("use_sim_time", False):
        raise ConfigError("use_sim_time is not for live topics without ROS 2; leave it out")
    rules = tuple(f"{before}:={after}" for before, after in told.remaps.items())
    if not told.parameters.pop("autostart", True):
        raise ConfigError("autostart: false needs ROS 2, whose life-cycle services start the node")
    run = replace(run, node=told.node, namespace=told.namespace, remap=run.remap + rules)
    return run, parameters.at_start(told.parameters)


def domain_id(given: int | None) -> int:
    """Return the DDS domain: as given, else of ROS_DOMAIN_ID, else 0."""
    text = os.environ.get("ROS_DOMAIN_ID") or "0"
    try:
        return int(text) if given is None else given
    except ValueError:
        raise ConfigError(f"ROS_DOMAIN_ID is {text!r}; it must be a number") from None


def require_cyclonedds() -> None:
    """Raise ConfigError with the remedy where Cyclone DDS is not installed."""
    try:
        import cyclonedds.domain  # noqa: F401
    except ImportError as err:
        raise ConfigError(
            f"live topics need Cyclone DDS ({err}): pip install 'jasmine_ros[live]' (Linux x86-64, "
            "Python 3.10 to 3.13); on a robot run the depth node of the ROS 2 package instead"
        ) from err


def run_live(run: LiveRun, parameters: DepthParameters) -> DepthComponent:
    """Run the depth node until Ctrl-C; return the component, for its counts."""
    require_cyclonedds()
    from jasmine_ros.hosts.dds import DdsHost

    with (
        Interrupt() as interrupt,
        DdsHost(run.node, run.namespace, run.remaps, domain_id(run.domain), run.interface) as host,
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
        end = None if run.seconds is None else host.now() + round(run.seconds * 1e9)
        host.spin(lambda: interrupt.requested or (end is not None and host.now() >= end))

        # 3. Stop listening first, then let go of the network.
        component.deactivate()
    component.cleanup()
    return component
