# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Subscriptions to a camera: its images and their CameraInfo."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from jasmine_core.errors import CameraError, FrameError
from jasmine_core.runtime.intensity_range import IntensityRange, extreme_exposure
from jasmine_ros.msgs.encodings import Order, RgbImage
from jasmine_ros.msgs.rectification import LatestView, View
from jasmine_ros.msgs.types import Callback, CameraInfo, CompressedImage, Image
from jasmine_ros.node.frame_counts import LOG_EVERY
from jasmine_ros.node.host import Host
from jasmine_ros.node.input_watchdog import InputWatchdog
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
    """Input topics of a component, with the latest calibration of its camera."""

    def __init__(self, host: Host) -> None:
        self.topic = host.resolve(IMAGE)  # of the images
        self._host = host
        self._latest = LatestView()
        self._watchdogs: dict[str, InputWatchdog] = {}
        self._intensities = IntensityRange()
        self.facts: dict[str, str] = {}  # what is assumed and was found about the images
        self._extremes = {"black": 0, "saturated": 0}  # images that show nothing

    def subscribe(
        self, p: DepthParameters, image_type: str | None, on_image: Callback, on_info: Callback
    ) -> None:
        """Subscribe to both topics; without `image_type` the parameters and the topic decide it."""
        host = self._host
        image, info = host.resolve(IMAGE), host.resolve(CAMERA_INFO)
        if image_type is None:
            if p.image_transport == "compressed":
                image = image.removesuffix(COMPRESSED) + COMPRESSED
            image_type = COMPRESSED_TYPE if image.endswith(COMPRESSED) else IMAGE_TYPE
        self.topic = image
        self._intensities = IntensityRange(p.bits)
        self._watchdogs = {
            IMAGE: InputWatchdog(host, "image", image, image_type),
            CAMERA_INFO: InputWatchdog(host, "CameraInfo", info, INFO_TYPE, once=True),
        }
        host.subscribe(info, INFO_TYPE, on_info, latched=True)
        host.subscribe(image, image_type, on_image)
        for watchdog in self._watchdogs.values():
            host.timer(1.0, watchdog.on_second)

    def on_image(self) -> None:
        """Note that an image has arrived."""
        self._reset_watchdog(IMAGE)

    def decode(self, message: Image | CompressedImage, p: DepthParameters) -> RgbImage:
        """Decode an image to RGB [H,W,3]; log its range if that is new, and if it shows nothing."""
        order = cast(Order, p.untagged_order)  # checked by DepthParameters
        ranges = self._intensities
        image = self._host.conversion.decode(message, self.topic, order, ranges, p.max_image_pixels)
        if assumption := ranges.assumption:
            self._note("input_values", assumption, "set the parameter bits if this is wrong")
        kind = extreme_exposure(image)
        self.facts["exposure"] = kind or "usable"
        if kind:
            count = self._extremes[kind] = self._extremes[kind] + 1
            self.facts[f"{kind}_images"] = str(count)
            if count == 1 or count % LOG_EVERY == 0:
                self._host.log(
                    "warn",
                    f"{self.topic}: image is {kind} ({count} so far), so that its depth has no "
                    "meaning; check exposure, lens cap and, for 16-bit images, the parameter bits",
                )
        return image

    def _note(self, subject: str, text: str, remedy: str) -> None:
        """Keep a fact about the images; log it if it is new."""
        if self.facts.get(subject) != text:
            self.facts[subject] = text
            self._host.log("info", f"{self.topic}: {subject.replace('_', ' ')}: {text}; {remedy}")

    def on_camera_info(self, camera_info: CameraInfo, rectify: str) -> None:
        """Store the calibration; images are skipped while it is invalid."""
        self._reset_watchdog(CAMERA_INFO)
        try:
            self._latest.update(camera_info, *self._topics(), rectify)
        except CameraError as err:
            self._host.log("error", str(err))
        else:
            with suppress(FrameError):  # the same invalid CameraInfo has come again
                self._note("rectification", self.view().decision, "see the parameter rectify")

    def view(self) -> View:
        """Return the rectification of the images; raise FrameError without a calibration."""
        return self._latest.view(*self._topics())

    def reset(self) -> None:
        """Drop the calibration."""
        self._latest = LatestView()

    def _topics(self) -> tuple[str, str]:
        return self.topic, self._host.resolve(CAMERA_INFO)

    def _reset_watchdog(self, topic: str) -> None:
        if watchdog := self._watchdogs.get(topic):
            watchdog.on_message()
