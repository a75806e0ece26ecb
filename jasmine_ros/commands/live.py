# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine live`: the depth node on live topics without a ROS 2 installation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from tyro.conf import Fixed, Suppress

from jasmine_core.commands.options import option
from jasmine_core.errors import ConfigError
from jasmine_ros.commands.options import (
    Domain,
    Interface,
    Namespace,
    ParameterFile,
    Parameters,
    Seconds,
    Topic,
    expect_duration,
)
from jasmine_ros.hosts.dds_node import DdsNode, run_dds_node, with_ros_arguments
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.worker import end_process


@dataclass(frozen=True)
class LiveRequest:
    """Run the depth node on live topics, without a ROS 2 installation, until Ctrl-C.

    Arguments after --ros-args (-r, -p and --params-file) take precedence over the options.
    """

    #: Topic of the images; the images are JPEG or PNG if its name ends in /compressed.
    image: Annotated[str, option("TOPIC")] = "/camera/image_raw"
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: Namespace of the output topics.
    namespace: Namespace = ""
    #: Name of the node.
    node: Annotated[str, option("NAME")] = "depth"
    #: Topics to rename, as in ROS 2.
    remap: Annotated[tuple[str, ...], option("FROM:=TO", "-r")] = ()
    #: DDS domain; by default the value of ROS_DOMAIN_ID, or 0.
    domain: Domain = None
    #: Network interface; by default lo, which keeps all messages on this machine. It has no
    #: effect if CYCLONEDDS_URI is set.
    interface: Interface = None
    #: Time after which the node stops [s]; by default it runs until Ctrl-C.
    seconds: Seconds = None
    #: YAML file with parameters of the node; options on the command line take precedence.
    params: ParameterFile = ""
    parameters: Parameters = field(default_factory=DepthParameters)
    ros_arguments: Annotated[tuple[str, ...], Fixed, Suppress] = ()  # those after --ros-args

    def __post_init__(self) -> None:
        expect_duration(self.seconds, "--seconds")

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


def live(request: LiveRequest) -> int:
    """Run the node until Ctrl-C, and end the process."""
    node, parameters = with_ros_arguments(
        request.dds_node(), request.parameters, list(request.ros_arguments)
    )
    run_dds_node(node, parameters)
    end_process()


def _remapping(rule: str) -> tuple[str, str]:
    before, mark, after = rule.partition(":=")
    if not (mark and before and after):
        raise ConfigError(f"the remapping {rule!r} does not have the form FROM:=TO")
    return before, after
