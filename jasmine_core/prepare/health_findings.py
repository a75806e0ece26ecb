# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Findings of the health report: each problem of a recording with its remedy, as text.

The checks cover the most frequent problems of recordings: intrinsics of another image size, too
little or too much motion between images, a standing or only rotating camera, no metric scale.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from jasmine_core.prepare.keyframes import BREAKS, KeyframeSelector, Status
from jasmine_core.prepare.statistics import OdometryProblem, RecordingStatistics

ENOUGH_SAMPLES = 200  # fewer samples than this are a warning

ODOMETRY_REMEDIES = {
    OdometryProblem.MISSING: "record odometry and /tf_static for metric scale",
    OdometryProblem.TOO_FEW_SAMPLES: "check the odometry topic, its frames and its rate",
    OdometryProblem.NO_TRANSFORM: "record /tf_static",
    OdometryProblem.JUMPS: "record a continuous odometry (REP-105 odom frame), not a pose in map",
    OdometryProblem.OTHER_CLOCK: "synchronise the clocks, or stamp both with one clock",
    OdometryProblem.NOT_CHECKED: "record longer, with more translation and texture",
    OdometryProblem.CONTRADICTS_IMAGES: "check child_frame_id, /tf_static and the clocks",
    OdometryProblem.INCOMPLETE: "record the odometry as long as the images, without gaps",
}


class About(str, Enum):
    """Property of images that a finding is about, so that a report can show some of them."""

    BLUR = "blur"
    LIGHT = "light"
    ROTATION = "rotation"
    BREAK = "break"
    EXPOSURE = "exposure"
    STILL = "still"
    BLANK = "blank"


def reason_without_samples(statistics: RecordingStatistics, selector: KeyframeSelector) -> str:
    """Return why no image of a recording has a neighbour before and after it, with a remedy."""
    counts, received = statistics.statuses, statistics.received
    keyframes = len(selector.keyframes)
    rotated = sum(k.only_rotated for k in selector.keyframes)
    if counts[Status.DAMAGED] > received / 2:
        return (
            f"{counts[Status.DAMAGED]} of {received} images cannot be used: {statistics.reasons[0]}"
        )
    if counts[Status.OUT_OF_ORDER] > received / 2:
        return (
            f"the timestamps of {counts[Status.OUT_OF_ORDER]} of {received} images are out "
            "of order; check the camera driver's clock"
        )
    if received < 3:
        return (
            "a sample needs an image with one image before and one after it, but the recording "
            f"has only {received}"
        )
    if counts[Status.BLANK] > received / 2:
        return (
            f"{counts[Status.BLANK]} of {received} images have too little texture to be tracked; "
            "check exposure, focus and lens cap"
        )
    if keyframes <= 2 and counts[Status.STILL] > received / 2:
        return (
            f"the camera does not move in {counts[Status.STILL]} of {received} images; depth is "
            "learned from motion: record while driving or walking"
        )
    if rotated > keyframes / 2:
        return (
            f"the camera only rotates in {rotated} of {keyframes} keyframes; depth is learned "
            "from translation: move the camera while recording"
        )
    breaks = sum(counts[f] for f in BREAKS) - 1
    return (
        f"none of {received} images has a neighbour before and after it ({counts[Status.STILL]} "
        f"without motion, {breaks} cuts, gaps or exposure jumps, {rotated} with rotation only); "
        "record more images per second, or move more slowly"
    )


def find_problems(report: dict[str, Any], statistics: RecordingStatistics) -> list[dict[str, str]]:
    """Return the findings of a report.

    Each has `level` (problem, warning, note) and `text`. The text ends with the `remedy`, if there
    is one. `about` is the property of the images that the finding is about.
    """
    found: list[dict[str, str]] = []

    def add(level: str, text: str, remedy: str = "", about: About | None = None) -> None:
        found.append(_finding(level, text, remedy, about))

    counts, received = statistics.statuses, statistics.received
    time, still, images = report["time"], report["still"], report["images"]

    # 1. Number of samples and motion.
    if images["samples"] < ENOUGH_SAMPLES:
        add(
            "warning",
            f"there are only {images['samples']} samples",
            "add recordings until there are thousands",
        )
    if counts[Status.STILL]:
        add(
            "note",
            f"{counts[Status.STILL]} images were dropped because nothing moved since the last "
            f"keyframe; the camera stood still for {still['seconds']:g} s in total "
            f"({still['share_of_time']:.0%} of the time)",
            about=About.STILL,
        )
    if (rotated := images["keyframes_only_rotated"]) > 0.2 * received:
        add(
            "warning",
            f"{rotated} images only rotate",
            "translate the camera while recording",
            About.ROTATION,
        )
    if images["keyframes_without_neighbours"] > 0.3 * received:
        add(
            "warning",
            f"{images['keyframes_without_neighbours']} keyframes have no neighbour at a suitable "
            "distance",
            "record more images per second, or move more steadily",
        )

    # 2. The image stream.
    if time["lost_images"] > 0.02 * received:
        add(
            "warning",
            f"{time['lost_images']} images seem lost (longest gap {time['longest_gap_s']:g} s)",
            "lower the rate or record to a faster disk",
        )
    if counts[Status.OUT_OF_ORDER]:
        add(
            "warning",
            f"{counts[Status.OUT_OF_ORDER]} images were dropped because their timestamps are out "
            "of order",
            "check the camera driver's clock",
        )
    if counts[Status.DAMAGED]:
        add(
            "warning",
            f"{counts[Status.DAMAGED]} images cannot be used, for example: {statistics.reasons[0]}",
        )
    for topic, damage in report["damaged_messages"].items():
        add(
            "warning",
            f"{damage['count']} messages on {topic} are damaged and were skipped, for example: "
            f"{damage['example']}",
        )
    if counts[Status.BLANK]:
        text = f"{counts[Status.BLANK]} images were dropped because they have no texture"
        add("note", text, about=About.BLANK)
    if breaks := counts[Status.CUT] + counts[Status.GAP] + counts[Status.EXPOSURE]:
        add(
            "note",
            f"{breaks} breaks ({counts[Status.CUT]} cuts or jerks, {counts[Status.GAP]} gaps, "
            f"{counts[Status.EXPOSURE]} exposure jumps); no sample spans a break",
            about=About.BREAK,
        )

    # 3. Image quality.
    if counts[Status.EXPOSURE] > 0.02 * received:
        remedy = "fix exposure and gain while recording"
        add("warning", "the exposure jumps often", remedy, About.EXPOSURE)
    light = report["exposure"]
    if max(light["too_dark_share"], light["too_bright_share"]) > 0.1:
        text = "over 10 % of the images are very dark or very bright"
        add("warning", text, "adjust the exposure", About.LIGHT)
    if (blurred := report["sharpness"]["blurred_share"]) > 0.1:
        text = f"{blurred:.0%} of the images are blurred"
        add("warning", text, "shorten the exposure time", About.BLUR)

    # 4. Intrinsics.
    for text, remedy in _implausible(report["intrinsics"]):
        add("problem", text, remedy)

    # 5. Assumptions about the recorded images.
    for subject, text in report["input"].items():
        add("note", f"{subject.replace('_', ' ')}: {text}")

    # 6. Metric scale.
    found += _metric_scale(report["odometry"])
    return found


def _metric_scale(odometry: dict[str, Any]) -> list[dict[str, str]]:
    topic = odometry["topic"]
    if odometry["problem"]:
        problem = OdometryProblem(odometry["problem"])
        level = "note" if problem is OdometryProblem.MISSING else "warning"
        source = f" from {topic}" if topic else ""
        remedy = ODOMETRY_REMEDIES[problem]
        return [_finding(level, f"no metric scale{source}: {odometry['problem_detail']}", remedy)]
    pairs = odometry["pairs_checked_against_images"]
    text = f"metric scale can be learned from {topic} (validated on {pairs} pairs of images)"
    found = [_finding("note", text)]
    if odometry["jumps"]:
        text = f"{topic} jumps {odometry['jumps']} times; no pair of neighbours spans a jump"
        found.append(_finding("warning", text))
    return found


def _finding(level: str, text: str, remedy: str = "", about: About | None = None) -> dict[str, str]:
    found = {"level": level, "text": f"{text}; {remedy}" if remedy else text}
    found |= {"remedy": remedy} if remedy else {}
    return found | ({"about": about.value} if about else {})


def _implausible(intrinsics: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is implausible, each with its remedy."""
    texts = []
    K = intrinsics["K"]
    width, height = intrinsics["prepared_size"]
    for axis, side in (("horizontal", width), ("vertical", height)):
        fov = intrinsics[f"{axis}_fov_deg"]
        if not 10 < fov < 150:
            text = (
                f"the {axis} field of view of {fov:.0f} deg is implausible: K belongs to another "
                f"image size than {side} px"
            )
            texts.append((text, "check the CameraInfo"))
    for name, share in zip(("cx", "cy"), intrinsics["principal_point_share"], strict=True):
        if not 0.25 < share < 0.75:
            text = f"{name} is at {share:.0%} of the image: K belongs to another image size or crop"
            texts.append((text, "check the CameraInfo"))
    if not 0.5 < K[0][0] / K[1][1] < 2:
        text = f"fx {K[0][0]:.0f} px and fy {K[1][1]:.0f} px differ by more than a factor of 2"
        texts.append((text, "calibrate the camera again"))
    return texts
