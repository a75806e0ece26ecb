# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every topic has a place in the viewer, and the eye is where a cloud can be seen from."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_ros.commands.view_layout import Cloud, layout

rerun = pytest.importorskip("rerun", reason="rerun-sdk is not installed (the extra 'viz')")

CAMERA = Cloud("camera_optical_frame", 10.0)
IMAGES = ["/camera/image_raw", "/depth/image_rect"]


def views(container):
    """Return all views of a blueprint, left to right."""
    for part in container.contents:
        yield from [part] if hasattr(part, "class_identifier") else views(part)


@pytest.mark.parametrize(
    ("images", "clouds"),
    [(IMAGES, {"/depth/points": CAMERA}), (IMAGES, {}), ([], {"/depth/points": CAMERA})],
)
def test_every_topic_is_in_the_layout(images, clouds):
    found = [view.name for view in views(layout(images, clouds).root_container)]
    assert found == [*images, *clouds]


@pytest.mark.parametrize(
    ("frame", "behind", "above"),
    [("camera_optical_frame", [0, 0, -1], [0, -1, 0]), ("lidar", [-1, 0, 0], [0, 0, 1])],
)
def test_the_viewpoint_is_behind_and_above_the_sensor_at_any_scale(frame, behind, above):
    def eye(reach):
        (view,) = views(layout([], {"/points": Cloud(frame, reach)}).root_container)
        controls = view.properties["EyeControls3D"]
        np.testing.assert_array_equal(controls.eye_up.as_arrow_array().to_pylist(), [above])
        return np.array(controls.position.as_arrow_array().to_pylist()[0])

    assert eye(10.0) @ behind > 0 and eye(10.0) @ above > 0
    np.testing.assert_allclose(eye(10.0), 1000 * eye(0.01), rtol=1e-5)
