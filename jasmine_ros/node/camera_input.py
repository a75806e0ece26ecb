# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node listens to of one camera: its images, and the CameraInfo beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jasmine_core.errors import CameraError
from jasmine_ros.msgs.rectification import KnownCamera, View
from jasmine_ros.node.host import Host
from jasmine_ros.node.input_watchdog import Lateness
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import (
    CAMERA_INFO,
    COMPRESSED,
    COMPRESSED_TYPE,
    IMAGE,
    IMAGE_TYPE,
    INFO_TYPE,
)


class CameraInput:
    """Listen to a camera on behalf of a component, and say once when it keeps silent."""

    def __init__(self, host: Host) -> None:
        self.topic = host.resolve(IMAGE)  # of the images
        self._host = host
        self._known = KnownCamera()
        self._watched: dict[str, Lateness] = {}

    def subscribe(
        self,
        p: DepthParameters,
        image_type: str | None,
        on_image: Callable[[Any], None],
        on_info: Callable[[Any], None],
    ) -> None:
        """Listen to both topics; `image_type` where a host knows it for certain."""
        host = self._host
        image, info = host.resolve(IMAGE), host.resolve(CAMERA_INFO)
        if image_type is None:
            if p.image_transport == "compressed":
                image = image.removesuffix(COMPRESSED) + COMPRESSED
            image_type = COMPRESSED_TYPE if image.endswith(COMPRESSED) else IMAGE_TYPE
        self.topic = image
        self._watched = {
            IMAGE: Lateness(host, "image", image, image_type),
            CAMERA_INFO: Lateness(host, "CameraInfo", info, INFO_TYPE, once=True),
        }
        host.subscribe(info, INFO_TYPE, on_info, latched=True)
        host.subscribe(image, image_type, on_image)
        for lateness in self._watched.values():
            host.timer(1.0, lateness.tick)

    def image_came(self) -> None:
        """Take note that there are images."""
        self._came(IMAGE)

    def learn(self, camera_info: Any, rectify: str) -> None:
        """Keep what a CameraInfo says; an unusable one spoils frames, not the node."""
        self._came(CAMERA_INFO)
        try:
            self._known.learn(camera_info, *self._topics(), rectify)
        except CameraError as err:
            self._host.log("error", str(err))

    def view(self) -> View:
        """Return how its images become rectified ones; raise FrameError if that is not known."""
        return self._known.view(*self._topics())

    def forget(self) -> None:
        """Know no camera any more."""
        self._known = KnownCamera()

    def _topics(self) -> tuple[str, str]:
        return self.topic, self._host.resolve(CAMERA_INFO)

    def _came(self, what: str) -> None:
        if lateness := self._watched.get(what):
            lateness.came()
