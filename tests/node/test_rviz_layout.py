# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""RViz layout: displays with publishers, and a view in which the cloud of a drive is seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from helpers.rviz_view import AXES, covered, orbit

from jasmine_core import DepthPredictor
from jasmine_core.geometry.points import back_project, limit_range, thin, without_flying_pixels
from jasmine_ros.bags.reader import Bag
from jasmine_ros.commands.demo import sample_drive
from jasmine_ros.msgs.compressed_images import decode_compressed
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.rviz_layout import METRIC, UNITS, cloud_parameters, view_of, write_layout
from jasmine_ros.node.topics import COLORIZED, IMAGE, IMAGE_TYPE, OUTPUTS, POINTS

TEMPLATE = Path(__file__).parents[2] / "config" / "depth.rviz"
QOS = {
    "Durability Policy": {"Volatile"},  # The node and cameras do not keep messages.
    "History Policy": {"Keep Last"},
    "Reliability Policy": {"Reliable", "Best Effort"},
}
SKY = 0  # in the ground truth


@pytest.fixture(scope="module")
def template():
    return yaml.safe_load(TEMPLATE.read_text())["Visualization Manager"]


@pytest.fixture(scope="module")
def frame():
    """Return an image of the bundled drive, its K, depth in units, and the ground truth in m."""
    bag, ground_truth = sample_drive()
    with Bag(bag) as source:
        (info_topic,) = [n for n, t in source.topics.items() if t.type.endswith("CameraInfo")]
        (topic,) = [n for n, t in source.topics.items() if t.type.endswith("CompressedImage")]
        info, image = (
            source.decode(next(iter(source.messages([name])))) for name in (info_topic, topic)
        )
    name = f"{stamp_ns(image.header.stamp)}.png"
    metres = cv2.imread(str(ground_truth / name), cv2.IMREAD_UNCHANGED) / 256
    rgb = decode_compressed(image)
    depth = DepthPredictor.from_pretrained("jasmine-tiny", device="cpu")(rgb).depth
    return rgb, np.array(info.k).reshape(3, 3), depth, metres


@pytest.fixture(params=["units", "metres"])
def shown(request, frame):
    """Return the scale of the depth, the view, the layout and the cloud [H,W,3] of RViz mode."""
    rgb, K, units, metres = frame
    known, parameters = metres != SKY, {}
    scale = 1.0
    if request.param == "metres":
        scale = float(np.median(metres[known] / units[known]))
        parameters["metres_per_unit"] = scale
    view = view_of(parameters) if parameters else UNITS
    names = {"image": "/image", "namespace": "", "compressed": False}
    file = Path(write_layout(TEMPLATE, view, **names))
    layout = yaml.safe_load(file.read_text())["Visualization Manager"]
    file.unlink()
    p = DepthParameters().at_start(parameters | cloud_parameters(parameters, view))
    near = without_flying_pixels(scale * units, p.points_edge_threshold)
    near = limit_range(near, 0.0, p.points_max_range)
    near, _, K = thin(near, rgb, K, p.points_stride)
    return scale, view, layout, back_project(near, K)


def seen(points):
    return points[np.isfinite(points[..., 2])]


def current(layout):
    return orbit(layout["Views"]["Current"])


def test_the_cloud_is_inside_the_view_and_covers_it(shown):
    _, _, layout, cloud = shown
    points, eye = seen(cloud), current(layout)
    _, _, inside = eye.project(points)
    assert inside.mean() > 0.85
    assert 0.2 < covered(eye, points) < 0.8


def test_the_view_of_the_other_scale_does_not_show_the_cloud(shown):
    """The bounds of the test above find a wrong view."""
    _, view, layout, cloud = shown
    other = METRIC if view == UNITS else UNITS
    wrong = layout["Views"]["Current"] | {"Distance": other.distance}
    wrong["Focal Point"] = {"X": 0, "Y": 0, "Z": other.focal_z}
    points, eye = seen(cloud), orbit(wrong)
    _, _, inside = eye.project(points)
    assert inside.mean() < 0.85 or not 0.2 < covered(eye, points) < 0.8


def test_the_view_is_behind_and_above_the_camera_and_looks_forward(shown):
    _, view, layout, _ = shown
    eye = current(layout)
    x, y, z = eye.position  # The optical frame: x is right, y down, z forward (REP 103).
    assert abs(x) < 0.01 * view.distance and y < 0 and z < 0
    right, down, forward = eye.R
    assert right[0] > 0.99 and down[1] > 0.9 and forward[2] > 0.9


def test_the_sky_leaves_the_cloud(shown, frame):
    """The network gives the sky its largest depth."""
    scale, _, _, cloud = shown
    sky = frame[3][::2, ::2] == SKY
    assert sky.mean() > 0.1
    missing = np.isnan(cloud[..., 2])
    assert missing[sky].mean() > 0.85
    near = (frame[3][::2, ::2] < 25) & ~sky
    assert missing[near].mean() < 0.3
    assert np.nanmax(cloud[..., 2]) < 3.0 * scale, "the far stop of the network"


def test_the_axes_of_frames_have_a_visible_size(shown):
    _, _, layout, _ = shown
    (frames,) = [d for d in layout["Displays"] if d["Class"].endswith("/TF")]
    assert 0.02 < current(layout).length(AXES * frames["Marker Scale"]) < 0.1


@pytest.mark.parametrize(
    ("parameters", "limit"),
    [
        ({"metres_per_unit": 30.0}, 50.0),
        ({"metres_per_unit": 5.0}, 14.5),  # The far stop is at 15 m.
        ({"scale_mode": "camera_height", "metres_per_unit": 5.0}, 50.0),
    ],
)
def test_the_range_of_a_metric_cloud_ends_before_the_far_stop(parameters, limit):
    view = view_of(parameters)
    assert view.distance == METRIC.distance
    assert cloud_parameters(parameters, view)["points_max_range"] == pytest.approx(limit)


# ---------------------------------------------------------------------- config/depth.rviz


def test_every_display_has_a_publisher(template):
    types = {f"/{IMAGE}": IMAGE_TYPE}
    # depth.launch.py enables these outputs with rviz:=true.
    types |= {f"/{name}": OUTPUTS[name] for name in (COLORIZED, POINTS)}
    shown = [display for display in template["Displays"] if "Topic" in display]
    assert {display["Topic"]["Value"] for display in shown} == types.keys()
    for display in shown:
        kind = types[display["Topic"]["Value"]].rpartition("/")[2]
        assert display["Class"] == f"rviz_default_plugins/{kind}" and display["Enabled"]
    others = {d["Class"].rpartition("/")[2] for d in template["Displays"] if "Topic" not in d}
    assert others == {"Grid", "TF"}


def test_displays_of_the_node_are_reliable_and_request_no_more_than_it_offers(template):
    for display in (display for display in template["Displays"] if "Topic" in display):
        topic = display["Topic"]
        assert all(topic[name] in allowed for name, allowed in QOS.items()), topic
        assert topic["Depth"] == 1
        own = topic["Value"].startswith("/depth/")
        assert topic["Reliability Policy"] == ("Reliable" if own else "Best Effort")


def test_the_view_of_the_file_is_that_for_metres(template, tmp_path):
    names = {"image": "/image", "namespace": "", "compressed": False}
    file = Path(write_layout(TEMPLATE, METRIC, **names))
    written = yaml.safe_load(file.read_text())["Visualization Manager"]
    file.unlink()
    assert written == template
    assert template["Views"]["Current"]["Class"] == "rviz_default_plugins/Orbit"
    assert template["Views"]["Current"]["Target Frame"] == "<Fixed Frame>"
    assert template["Global Options"]["Fixed Frame"]
