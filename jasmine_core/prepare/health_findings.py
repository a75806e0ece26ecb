# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What to say of a recording, and what to do about it.

The words follow what goes wrong most often with people's own recordings: K that belongs to another
image size, neighbours too close together, standing still, turning on the spot, no metres.
"""

from __future__ import annotations

from typing import Any

from jasmine_core.prepare.keyframes import BREAKS, Selection, Status
from jasmine_core.prepare.statistics import OdometryFacts, RecordingStatistics

ENOUGH_SAMPLES = 200  # fewer teach little by themselves


def nothing_to_learn(statistics: RecordingStatistics, selection: Selection) -> str:
    """Say why no image of a bag has a neighbour before and after it."""
    counts, received = statistics.statuses, statistics.received
    kept = len(selection.kept)
    turned = sum(k.turned for k in selection.kept)
    if counts[Status.DAMAGED] > received / 2:
        return (
            f"{counts[Status.DAMAGED]} of {received} images cannot be used: {statistics.reasons[0]}"
        )
    if counts[Status.BACKWARDS] > received / 2:
        return (
            f"{counts[Status.BACKWARDS]} of {received} images are stamped before the one before "
            "them; check the camera driver's clock"
        )
    if received < 3:
        return f"a sample is an image with one before and one after it, but there are {received}"
    if counts[Status.BLANK] > received / 2:
        return (
            f"{counts[Status.BLANK]} of {received} images show nothing that can be tracked; "
            "check exposure, focus and lens cap"
        )
    if kept <= 2 and counts[Status.STILL] > received / 2:
        return (
            f"the camera stands still in {counts[Status.STILL]} of {received} images; depth is "
            "learned from motion: record while driving or walking"
        )
    if turned > kept / 2:
        return (
            f"the camera only turns ({turned} of {kept} images that moved); depth is learned "
            "from translation: move it while recording"
        )
    breaks = sum(counts[f] for f in BREAKS) - 1
    return (
        f"none of {received} images has a neighbour before and after it ({counts[Status.STILL]} "
        f"still, {breaks} cuts, gaps or exposure jumps, {turned} only turned); record more "
        "images per second, or move slower"
    )


def words(
    report: dict[str, Any], statistics: RecordingStatistics, facts: OdometryFacts
) -> list[dict[str, str]]:
    """Say what is wrong with a recording and what to do, most serious things as "problem"."""
    found: list[dict[str, str]] = []

    def say(level: str, text: str) -> None:
        found.append({"level": level, "text": text})

    counts, received = statistics.statuses, statistics.received
    time, still, images = report["time"], report["still"], report["images"]

    # 1. Enough to learn from?
    if images["samples"] < ENOUGH_SAMPLES:
        say("warning", f"only {images['samples']} samples: add recordings, thousands are better")
    if counts[Status.STILL]:
        say(
            "note",
            f"{counts[Status.STILL]} images were dropped, for hardly anything moved since the one "
            f"kept before; the camera stood still for {still['seconds']:g} s in all "
            f"({still['share_of_time']:.0%} of the time)",
        )
    turned = images["of_these_only_turned"]
    if turned > 0.2 * received:
        say("warning", f"{turned} images only turn: translate the camera while recording")
    if images["kept_but_without_neighbours"] > 0.3 * received:
        say(
            "warning",
            f"{images['kept_but_without_neighbours']} images moved but found no neighbour at "
            "a good distance: record more images per second, or move more steadily",
        )

    # 2. The stream.
    if time["lost_images"] > 0.02 * received:
        say(
            "warning",
            f"{time['lost_images']} images seem lost (longest gap {time['longest_gap_s']:g} s):"
            " lower the rate or record to a faster disk",
        )
    if counts[Status.BACKWARDS]:
        say(
            "warning",
            f"{counts[Status.BACKWARDS]} images are stamped before the one before them and were "
            "dropped: check the camera driver's clock",
        )
    if counts[Status.DAMAGED]:
        say(
            "warning",
            f"{counts[Status.DAMAGED]} images unusable, such as: {statistics.reasons[0]}",
        )
    if counts[Status.BLANK]:
        say("note", f"{counts[Status.BLANK]} images show nothing that can be tracked; dropped")
    if breaks := counts[Status.CUT] + counts[Status.GAP] + counts[Status.EXPOSED]:
        say(
            "note",
            f"{breaks} breaks ({counts[Status.CUT]} cuts or jerks, {counts[Status.GAP]} gaps, "
            f"{counts[Status.EXPOSED]} exposure jumps); no sample reaches across one",
        )

    # 3. The images.
    if counts[Status.EXPOSED] > 0.02 * received:
        say("warning", "exposure jumps often: fix exposure and gain while recording")
    light = report["exposure"]
    if max(light["too_dark_share"], light["too_bright_share"]) > 0.1:
        say("warning", "over 10 % of the images are very dark or very bright: adjust exposure")
    if (blurred := report["sharpness"]["blurred_share"]) > 0.1:
        say("warning", f"{blurred:.0%} of the images are blurred: shorten the exposure time")

    # 4. The camera.
    for text in _implausible(report["intrinsics"]):
        say("problem", text)

    # 5. Metres.
    if report["metric_scale_can_be_learned"]:
        checked = (
            f"checked against {facts.checked} pairs of images"
            if facts.checked
            else "too little motion to check it against the images"
        )
        say("note", f"metric scale can be learned from {facts.topic} ({checked})")
        if facts.jumps:
            say("warning", f"{facts.topic} jumps {facts.jumps} times; no pair reaches across one")
    else:
        reason = facts.reason or "it covers less than half of the samples"
        remedy = "record odometry and /tf_static for metres" if not facts.topic else "see above"
        remedy = _METRIC_REMEDIES.get(reason.split(" ")[0], remedy)
        say("note" if not facts.topic else "warning", f"no metric scale: {reason}; {remedy}")
    return found


_METRIC_REMEDIES = {
    "it": "check child_frame_id, /tf_static and clocks",
    "no": "record /tf_static",
}


def _implausible(intrinsics: dict[str, Any]) -> list[str]:
    texts = []
    K = intrinsics["K"]
    width, height = intrinsics["prepared_size"]
    for axis, side in (("horizontal", width), ("vertical", height)):
        fov = intrinsics[f"{axis}_fov_deg"]
        if not 10 < fov < 150:
            texts.append(
                f"{axis} field of view of {fov:.0f} deg is implausible: K belongs to another "
                f"image size than {side} px; check the CameraInfo"
            )
    for name, share in zip(("cx", "cy"), intrinsics["principal_point_share"], strict=True):
        if not 0.25 < share < 0.75:
            texts.append(f"{name} lies at {share:.0%} of the image: K is of another size or crop")
    if not 0.5 < K[0][0] / K[1][1] < 2:
        texts.append(f"fx {K[0][0]:.0f} and fy {K[1][1]:.0f} px differ widely; calibrate again")
    return texts
