# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth node on live topics without a ROS 2 installation: `jasmine live`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import arg

from jasmine_core.errors import ConfigError
from jasmine_ros.hosts.dds_node import DdsNode


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

    def dds_node(self) -> DdsNode:
        """Return the node that these options describe."""
        return DdsNode(
            image=self.image,
            camera_info=self.camera_info,
            name=self.node,
            namespace=self.namespace,
            remappings=dict(map(_remapping, self.remap)),
            domain=self.domain,
            interface=self.interface,
            seconds=self.seconds,
        )


def _remapping(rule: str) -> tuple[str, str]:
    before, mark, after = rule.partition(":=")
    if not (mark and before and after):
        raise ConfigError(f"remapping {rule!r} is not of the form FROM:=TO")
    return before, after
