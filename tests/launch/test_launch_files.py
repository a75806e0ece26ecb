# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Launch files, run by `launch` or by its fakes; `test_launched_node.py` starts the real node."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml
from helpers.launch_files import LOG, arguments, launch, load

from jasmine_ros.node.parameters import DepthParameters, NodeParameters

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
DEPTH, BAG, NAV2 = (ROOT / "launch" / f"{n}.launch.py" for n in ("depth", "bag", "nav2_depth"))
NEEDED = {BAG: {"bag": "drive", "image": "/cam/image"}, NAV2: {"image": "/i", "checkpoint": "c"}}
KNOWN = {*DepthParameters.__dataclass_fields__, *NodeParameters.__dataclass_fields__}


@pytest.fixture
def node_of(tmp_path):
    """Return a function that runs a launch file and returns its depth node."""

    def node_of(path, **given):
        (node,) = (s for s in launch(path, tmp_path, **given) if s.executable == "depth_node")
        return node

    return node_of


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
    declared = arguments(path)
    assert len(dict(declared)) == len(declared)
    for name, description in declared:
        assert description[0].isupper() and description.endswith("."), name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_the_executable_and_its_parameters_exist(path, node_of):
    node = node_of(path, **NEEDED.get(path, {}))
    assert "__node:=depth" in node.remappings
    assert f'"{node.executable} = jasmine_ros.depth_node:main"' in (ROOT / "setup.py").read_text()
    assert node.parameters.keys() - {"use_sim_time"} <= KNOWN


def test_without_arguments_the_parameters_have_their_defaults(tmp_path):
    (node,) = launch(DEPTH, tmp_path)
    values = node.parameters
    assert values.pop("use_sim_time") is False
    assert values.pop("autostart") is True
    assert DepthParameters().at_start(values) == DepthParameters()
    assert node.remappings - {"__ns:=/"} == {"__node:=depth"}


@pytest.mark.parametrize("given", [False, True])
def test_only_given_arguments_override_the_parameter_file(tmp_path, node_of, given):
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {checkpoint: mine, publish_points: true}}")
    others = {"checkpoint": "other", "point_cloud": "false", "use_sim_time": "true"}
    values = node_of(DEPTH, params_file=str(file), **(others if given else {})).parameters
    expected = ("other", False, True) if given else ("mine", True, False)
    assert tuple(values[n] for n in ("checkpoint", "publish_points", "use_sim_time")) == expected


@pytest.mark.parametrize("path", [DEPTH, BAG], ids=lambda p: p.name)
def test_the_filter_over_time_is_an_argument(path, tmp_path):
    others = NEEDED.get(path, {}) | {"rviz": "false"}
    for given in ({}, {"temporal": "fuse", "odometry_topic": "/odom"}):
        folder = tmp_path / f"{len(given)}"
        folder.mkdir()
        node, *_ = launch(path, folder, **others, **given)
        expected = given or {"temporal": "off", "odometry_topic": ""}
        assert {name: node.parameters[name] for name in expected} == expected


def test_topics_and_namespace_are_passed_to_the_node(node_of):
    given = {"image": "/cam/image_raw", "camera_info": "/cam/info", "namespace": "left"}
    expected = {"__ns:=/left", "image:=/cam/image_raw", "camera_info:=/cam/info"}
    assert expected <= node_of(DEPTH, **given).remappings


@pytest.fixture
def rviz_layout(tmp_path):
    """Return a function for the layout, the Fixed Frame and the node's parameters with RViz."""

    def rviz_layout(**given):
        rviz, node = launch(DEPTH, tmp_path, rviz="true", **given)
        option, file, option_frame, frame = rviz.arguments[: rviz.arguments.index("--ros-args")]
        assert (rviz.executable, option, option_frame) == ("rviz2", "-d", "-f")
        assert all(rule.startswith("__") for rule in rviz.remappings)
        layout = yaml.safe_load(Path(file).read_text())
        Path(file).unlink()
        return layout["Visualization Manager"], frame, node.parameters

    return rviz_layout


def topics_of(manager):
    return {
        d["Topic"]["Value"]: d["Topic"]["Reliability Policy"]
        for d in manager["Displays"]
        if "Topic" in d
    }


def test_rviz_subscribes_to_the_topics_of_the_node(rviz_layout):
    manager, frame, values = rviz_layout(namespace="/left", image="image")
    assert topics_of(manager) == {  # Large messages are lost under best effort.
        "/left/image": "Best Effort",  # A camera may offer no more.
        "/left/depth/colorized": "Reliable",
        "/left/depth/points": "Reliable",
    }
    assert frame == "camera_optical_frame"
    assert values["publish_colorized"] and values["publish_points"]


def test_rviz_subscribes_to_compressed_images_by_their_own_topic(rviz_layout):
    manager, *_ = rviz_layout(image="/cam/image_raw", image_transport="compressed")
    assert "/cam/image_raw/compressed" in topics_of(manager)


def test_the_fixed_frame_of_rviz_is_an_argument(rviz_layout):
    assert rviz_layout(fixed_frame="odom")[1] == "odom"


@pytest.mark.parametrize(
    ("parameters", "distance"),
    [
        ({}, 20.0),  # The bundled checkpoint has estimated metres.
        ({"metres_per_unit": 30.0}, 20.0),
        ({"scale_mode": "camera_height"}, 20.0),
        ({"checkpoint": "absent"}, 1.4),  # The node reports it.
    ],
)
def test_the_view_of_rviz_fits_the_scale_of_the_depth(rviz_layout, parameters, distance, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text(yaml.safe_dump({"depth": {"ros__parameters": parameters}}))
    manager, _, values = rviz_layout(params_file=str(file))
    view = manager["Views"]["Current"]
    assert view["Distance"] == distance and view["Pitch"] == -1.35
    assert 0 < view["Focal Point"]["Z"] < values["points_max_range"]
    assert values["points_stride"] == 2


def test_rviz_keeps_the_cloud_of_the_parameter_file(rviz_layout, tmp_path):
    file = tmp_path / "parameters.yaml"
    file.write_text("/**: {ros__parameters: {points_stride: 4, points_max_range: 9.0}}")
    _, _, values = rviz_layout(params_file=str(file))
    assert (values["points_stride"], values["points_max_range"]) == (4, 9.0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_two_cameras_have_separate_topics(node_of, side):
    node = node_of(DEPTH, namespace=side, image=f"/{side}_camera/image_raw")
    assert {f"__ns:=/{side}", f"image:=/{side}_camera/image_raw"} <= node.remappings


BAG_ARGUMENTS = {**NEEDED[BAG], "loop": "false", "rate": "0.5", "rviz": "false"}


def test_a_bag_is_played_with_its_clock_when_the_node_is_active(tmp_path):
    node, player = launch(BAG, tmp_path, **BAG_ARGUMENTS)  # It is started once.
    assert player.executable == "ros2"
    assert player.arguments == ["bag", "play", "drive", "--clock", "--rate", "0.5"]
    assert node.parameters["use_sim_time"] is True and node.parameters["publish_points"] is True


def test_a_bag_is_not_played_before_the_node_is_active(tmp_path):
    (node,) = launch(BAG, tmp_path, log=LOG[:1], **BAG_ARGUMENTS)
    assert node.executable == "depth_node"


@pytest.mark.parametrize("host", ["ros2_node", "dds_node"])
def test_hosts_log_the_line_that_starts_the_playback(host):
    line = load(BAG).ACTIVE.decode()
    assert line in (ROOT / "jasmine_ros" / "hosts" / f"{host}.py").read_text()


def test_the_cloud_for_nav2_is_thinned_and_limited(node_of):
    values = node_of(NAV2, **NEEDED[NAV2]).parameters
    del values["use_sim_time"]
    given = DepthParameters().at_start(values)
    assert given.publish_points and given.points_stride > 1 and 0 < given.points_max_range < 20
    assert given.checkpoint == "c"


@pytest.mark.parametrize(
    "given",
    [{"rviz": "maybe"}, {"use_sim_time": "1"}, {"point_cloud": "yes"}, {"temporal": "on"}],
)
def test_values_other_than_the_choices_are_refused(given, tmp_path):
    with pytest.raises(AssertionError):
        launch(DEPTH, tmp_path, **given)
