# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Launch files, executed with fakes of ROS 2; `test_launched_node.py` starts the real node."""

from __future__ import annotations

import ast
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from helpers.fake_launch import (
    FakeDeclareLaunchArgument,
    FakeExecuteProcess,
    FakeNode,
    FakeRegisterEventHandler,
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
def test_launch_files_import_only_launch_packages_and_the_project(path):
    tree = ast.parse(path.read_text(), feature_version=(3, 10))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    allowed = {"launch", "launch_ros", "ament_index_python", "jasmine_ros"}
    allowed |= sys.stdlib_module_names
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


def rviz_layout(**given):
    """Return the layout, the Fixed Frame and the node's parameters that depth.launch.py chooses."""
    _, entities = launch(DEPTH, rviz="true", **given)
    (rviz,) = nodes(entities, "rviz2")
    option, file, option_frame, frame = rviz.arguments
    assert (option, option_frame) == ("-d", "-f") and not rviz.remappings
    layout = yaml.safe_load(Path(file).read_text())
    Path(file).unlink()
    return layout["Visualization Manager"], frame, nodes(entities)[0].parameters[-1]


def topics_of(manager):
    return {
        d["Topic"]["Value"]: d["Topic"]["Reliability Policy"]
        for d in manager["Displays"]
        if "Topic" in d
    }


def test_rviz_subscribes_to_the_topics_of_the_node():
    manager, frame, values = rviz_layout(namespace="/left", image="image")
    assert topics_of(manager) == {  # Large messages are lost under best effort.
        "/left/image": "Best Effort",  # A camera may offer no more.
        "/left/depth/colorized": "Reliable",
        "/left/depth/points": "Reliable",
    }
    assert frame == "camera_optical_frame"
    assert values["publish_colorized"] and values["publish_points"]


def test_rviz_subscribes_to_compressed_images_by_their_own_topic():
    manager, *_ = rviz_layout(image="/cam/image_raw", image_transport="compressed")
    assert "/cam/image_raw/compressed" in topics_of(manager)


def test_the_fixed_frame_of_rviz_is_an_argument():
    assert rviz_layout(fixed_frame="odom")[1] == "odom"


@pytest.mark.parametrize(
    ("parameters", "distance"),
    [
        ({}, 1.5),
        ({"metres_per_unit": 30.0}, 20.0),
        ({"scale_mode": "camera_height"}, 20.0),
        ({"checkpoint": "absent"}, 1.5),  # The node reports it.
    ],
)
def test_the_view_of_rviz_fits_the_scale_of_the_depth(parameters, distance, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(yaml.safe_dump({"depth": {"ros__parameters": parameters}}))
    manager, _, values = rviz_layout(params_file=str(file))
    view = manager["Views"]["Current"]
    assert view["Distance"] == distance and view["Pitch"] == -1.35
    assert 0 < view["Focal Point"]["Z"] < values["points_max_range"]
    assert values["points_stride"] == 2


def test_rviz_keeps_the_cloud_of_the_parameter_file(tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("/**: {ros__parameters: {points_stride: 4, points_max_range: 9.0}}")
    _, _, values = rviz_layout(params_file=str(file))
    assert not {"points_stride", "points_max_range"} & values.keys()


def test_two_cameras_have_separate_topics(tmp_path):
    argv = []
    for side in ("left", "right"):
        context, entities = launch(DEPTH, namespace=side, image=f"/{side}_camera/image_raw")
        argv.append(set(nodes(entities)[0].argv(context, tmp_path)))
    assert {"__ns:=/left", "image:=/left_camera/image_raw"} <= argv[0]
    assert {"__ns:=/right", "image:=/right_camera/image_raw"} <= argv[1]


def test_a_bag_is_played_with_its_clock(tmp_path):
    context, entities = launch(BAG, **NEEDED[BAG], loop="false", rate="0.5", rviz="false")
    assert not [e for e in entities if isinstance(e, FakeExecuteProcess)]  # The node is not active.
    (event,) = [e for e in entities if isinstance(e, FakeRegisterEventHandler)]
    loading, active = (
        SimpleNamespace(text=f"[INFO] [1.2] [depth]: {line}\n".encode())
        for line in ("loading jasmine-tiny", "subscribed to /image; depth on /depth/image_rect")
    )
    assert event.handler.on_stderr(loading) is None
    player = event.handler.on_stderr(active)
    assert event.handler.on_stdout(active) is None  # It is started once.
    assert player.cmd == ["ros2", "bag", "play", "drive", "--clock", "--rate", "0.5"]
    values = parameters(context, nodes(entities)[0], tmp_path)
    assert values["use_sim_time"] is True and values["publish_points"] is True


@pytest.mark.parametrize("host", ["ros2_node", "dds_node"])
def test_hosts_log_the_line_that_starts_the_playback(host):
    line = load(BAG).ACTIVE.decode()
    assert line in (ROOT / "jasmine_ros" / "hosts" / f"{host}.py").read_text()


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
