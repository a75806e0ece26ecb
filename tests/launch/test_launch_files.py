# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Launch files, executed with fakes of ROS 2; `test_launched_node.py` starts the real node."""

from __future__ import annotations

import ast
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from helpers.fake_launch import (
    FakeDeclareLaunchArgument,
    FakeExecuteProcess,
    FakeNode,
    launch,
    load,
)

from jasmine_ros.node.parameters import DepthParameters, NodeParameters

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
DEPTH, BAG, NAV2 = (ROOT / "launch" / f"{n}.launch.py" for n in ("depth", "bag", "nav2_depth"))
NEEDED = {BAG: {"bag": "drive", "image": "/cam/image"}, NAV2: {"image": "/i", "checkpoint": "c"}}
KNOWN = {*DepthParameters.__dataclass_fields__, *NodeParameters.__dataclass_fields__}


def nodes(entities, package="jasmine_ros"):
    return [e for e in entities if isinstance(e, FakeNode) and e.package == package]


def parameters(context, node, folder):
    """Return the parameters of a node; later files override earlier ones."""
    argv, values = node.argv(context, folder), {}
    for option, value in pairwise(argv):
        if option == "--params-file":
            values |= yaml.safe_load(Path(value).read_text())["/**"]["ros__parameters"]
    return values


def test_every_launch_file_is_tested():
    assert {DEPTH, BAG, NAV2} == set(FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_launch_files_import_only_launch_packages(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    allowed = {"launch", "launch_ros", "ament_index_python", *sys.stdlib_module_names}
    assert {module.partition(".")[0] for module in modules} <= allowed
    functions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert "generate_launch_description" in functions


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_argument_is_declared_once_and_described_by_a_sentence(path):
    entities = load(path).generate_launch_description().entities
    declared = [e for e in entities if isinstance(e, FakeDeclareLaunchArgument)]
    assert len({each.name for each in declared}) == len(declared)
    for each in declared:
        assert each.description[0].isupper() and each.description.endswith("."), each.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_executable_and_its_parameters_exist(path, tmp_path):
    context, entities = launch(path, **NEEDED.get(path, {}))
    (node,) = nodes(entities)
    assert (node.executable, node.name) == ("depth_node", "depth")
    assert f'"{node.executable} = jasmine_ros.depth_node:main"' in (ROOT / "setup.py").read_text()
    values = parameters(context, node, tmp_path)
    assert values.keys() - {"use_sim_time"} <= KNOWN


def test_without_arguments_the_parameters_have_their_defaults(tmp_path):
    context, entities = launch(DEPTH)
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert values.pop("use_sim_time") is False
    assert values.pop("autostart") is True
    assert DepthParameters().at_start(values) == DepthParameters()
    argv = nodes(entities)[0].argv(context, tmp_path)
    assert not [a for a in argv if a.startswith(("image:=", "camera_info:=", "__ns:="))]
    assert not nodes(entities, "rviz2")


def test_only_given_arguments_override_the_parameter_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {checkpoint: mine, publish_points: true}}")
    context, entities = launch(DEPTH, params_file=str(file))
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert (values["checkpoint"], values["publish_points"]) == ("mine", True)
    context, entities = launch(
        DEPTH, params_file=str(file), checkpoint="other", point_cloud="false", use_sim_time="true"
    )
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert (values["checkpoint"], values["publish_points"]) == ("other", False)
    assert values["use_sim_time"] is True


def test_topics_and_namespace_are_passed_to_the_node(tmp_path):
    given = {"image": "/cam/image_raw", "camera_info": "/cam/info", "namespace": "left"}
    context, entities = launch(DEPTH, **given)
    argv = nodes(entities)[0].argv(context, tmp_path)
    assert {"__ns:=/left", "image:=/cam/image_raw", "camera_info:=/cam/info"} <= set(argv)


def test_rviz_subscribes_to_the_topics_of_the_node(tmp_path):
    context, entities = launch(DEPTH, rviz="true", namespace="/left", image="image")
    (rviz,) = nodes(entities, "rviz2")
    assert dict(rviz.remappings)["/image"] == "/left/image"
    assert dict(rviz.remappings)["/depth/points"] == "/left/depth/points"
    config = yaml.safe_load((ROOT / "config" / "depth.rviz").read_text())
    displays = config["Visualization Manager"]["Displays"]
    topics = {d["Topic"]["Value"]: d["Class"] for d in displays if "Topic" in d}
    assert topics.keys() <= dict(rviz.remappings).keys()
    assert topics["/depth/points"].endswith("PointCloud2")
    assert topics["/depth/colorized"].endswith("Image") and topics["/image"].endswith("Image")
    assert any(d["Class"].endswith("TF") for d in displays)
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert values["publish_colorized"] and values["publish_points"]


def test_two_cameras_have_separate_topics(tmp_path):
    argv = []
    for side in ("left", "right"):
        context, entities = launch(DEPTH, namespace=side, image=f"/{side}_camera/image_raw")
        argv.append(set(nodes(entities)[0].argv(context, tmp_path)))
    assert {"__ns:=/left", "image:=/left_camera/image_raw"} <= argv[0]
    assert {"__ns:=/right", "image:=/right_camera/image_raw"} <= argv[1]


def test_a_bag_is_played_with_its_clock(tmp_path):
    context, entities = launch(BAG, **NEEDED[BAG], loop="false", rate="0.5", rviz="false")
    (player,) = [e for e in entities if isinstance(e, FakeExecuteProcess)]
    assert player.cmd == ["ros2", "bag", "play", "drive", "--clock", "--rate", "0.5"]
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert values["use_sim_time"] is True and values["publish_points"] is True


def test_the_cloud_for_nav2_is_thinned_and_limited(tmp_path):
    context, entities = launch(NAV2, **NEEDED[NAV2])
    values = parameters(context, nodes(entities)[0], tmp_path)
    del values["use_sim_time"]
    given = DepthParameters().at_start(values)
    assert given.publish_points and given.points_stride > 1 and 0 < given.points_max_range < 20
    assert given.checkpoint == "c"


@pytest.mark.parametrize(
    "given", [{"rviz": "maybe"}, {"use_sim_time": "1"}, {"point_cloud": "yes"}]
)
def test_values_other_than_the_choices_are_refused(given):
    with pytest.raises(AssertionError):
        launch(DEPTH, **given)
