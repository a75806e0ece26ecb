# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Arguments after `--ros-args`, as `ros2 run` and launch files write them."""

from __future__ import annotations

import pytest

from jasmine_core.errors import ConfigError
from jasmine_ros.dds.ros_args import parse_ros_arguments, split_ros_arguments
from jasmine_ros.hosts.dds_node import DdsNode, with_ros_arguments
from jasmine_ros.node.parameters import DepthParameters


def test_ros_arguments_are_separated_from_those_of_the_program():
    arguments = ["live", "--ros-args", "-r", "a:=b", "--", "--device", "cpu"]
    arguments += ["--ros-args", "-p", "x:=1"]
    own, ros = split_ros_arguments(arguments)
    assert own == ["live", "--device", "cpu"]
    assert ros == ["-r", "a:=b", "-p", "x:=1"]


def test_arguments_of_a_launch_file_are_parsed(tmp_path):
    file = tmp_path / "depth.yaml"
    file.write_text(
        """
/**: {ros__parameters: {points_stride: 2, min_depth: 0.5}}
other: {ros__parameters: {points_stride: 64}}
/left/eye: {ros__parameters: {points_stride: 4, use_sim_time: false}}
"""
    )
    line = f"-r __node:=eye -r __ns:=/left -r image:=/left/image_rect --params-file {file}"
    line += " -p publish_points:=true -p depth_encoding:=16UC1 -p other:points_stride:=8"
    node, parameters = with_ros_arguments(DdsNode(), DepthParameters(), line.split())
    assert (node.name, node.namespace) == ("eye", "/left")
    assert node.remaps() == {"image": "/left/image_rect", "camera_info": "/left/camera_info"}
    assert parameters == DepthParameters(
        points_stride=4, min_depth=0.5, publish_points=True, depth_encoding="16UC1"
    )


def test_remapped_topics_of_the_node_are_relative():
    line = "-p autostart:=true -r camera_info:=camera_info"
    node, _ = with_ros_arguments(DdsNode(), DepthParameters(), line.split())
    assert node.remaps() == {"image": "image", "camera_info": "camera_info"}
    line = "-r image:=/cam/image_raw/compressed"
    node, _ = with_ros_arguments(DdsNode(), DepthParameters(), line.split())
    assert node.remaps()["camera_info"] == "/cam/camera_info"


def test_of_two_values_the_later_one_is_used():
    parsed = parse_ros_arguments(["-p", "a:=1", "-p", "a:=2", "-r", "x:=y", "-r", "x:=z"], "depth")
    assert parsed.parameters == {"a": 2} and parsed.remaps == {"x": "z"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("-p", "-p after --ros-args has no value"),
        ("-p a=1", "'a=1'"),
        ("-r :=b", "':=b'"),
        ("-p a:=[1", "YAML"),
        ("--enclave /x", "--enclave is unknown"),
        ("--params-file none.yaml", "none.yaml cannot be read"),
        ("-p nonsense:=1", "nonsense"),
        ("-p points_stride:=0", "points_stride is 0"),
        ("-p use_sim_time:=true", "use_sim_time"),
        ("-p autostart:=false", "autostart: false needs ROS 2"),
    ],
)
def test_a_malformed_argument_is_refused_with_its_text(line, words):
    with pytest.raises(ConfigError, match=words):
        with_ros_arguments(DdsNode(), DepthParameters(), line.split())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("other: {ros__parameters: {a: 1}}", "no parameters for /depth"),
        ("depth: {a: 1}", "depth has no mapping ros__parameters"),
        ("[1, 2]", "no parameters"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_parameter_file_without_parameters_for_the_node_is_refused(tmp_path, text, words):
    file = tmp_path / "p.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        parse_ros_arguments(["--params-file", str(file)], "depth")
