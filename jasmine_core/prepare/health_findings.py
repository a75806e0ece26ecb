# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What to say of a recording, and what to do about it.

The words follow what goes wrong most often with people's own recordings: K that belongs to another
picture size, neighbours too close together, standing still, turning on the spot, no metres.
"""

from __future__ import annotations

from typing import Any

from jasmine_core.prepare.keyframes import BREAKS, Fate, Selection
from jasmine_core.prepare.statistics import OdometryFacts, Tally

ENOUGH_SAMPLES = 200  # fewer teach little by themselves


def nothing_to_learn(tally: Tally, selection: Selection) -> str:
    """Say why no picture of a bag has a neighbour before and after it."""
    counts, received = tally.fates, tally.received
    kept = len(selection.kept)
    turned = sum(k.turned for k in selection.kept)
    if counts[Fate.DAMAGED] > received / 2:
        return f"{counts[Fate.DAMAGED]} of {received} pictures cannot be used: {tally.reasons[0]}"
    if counts[Fate.BACKWARDS] > received / 2:
        return (
            f"{counts[Fate.BACKWARDS]} of {received} pictures are stamped before the one before "
            "them; check the camera driver's clock"
        )
    if received < 3:
        return f"a sample is a picture with one before and one after it, but there are {received}"
    if counts[Fate.BLANK] > received / 2:
        return (
            f"{counts[Fate.BLANK]} of {received} pictures show nothing that can be tracked; "
            "check exposure, focus and lens cap"
        )
    if kept <= 2 and counts[Fate.STILL] > received / 2:
        return (
            f"the camera stands still in {counts[Fate.STILL]} of {received} pictures; depth is "
            "learned from motion: record while driving or walking"
        )
    if turned > kept / 2:
        return (
            f"the camera only turns ({turned} of {kept} pictures that moved); depth is learned "
            "from translation: move it while recording"
        )
    breaks = sum(counts[f] for f in BREAKS) - 1
    return (
        f"none of {received} pictures has a neighbour before and after it ({counts[Fate.STILL]} "
        f"still, {breaks} cuts, gaps or exposure jumps, {turned} only turned); record more "
        "pictures per second, or move slower"
    )


def words(report: dict[str, Any], tally: Tally, facts: OdometryFacts) -> list[dict[str, str]]:
    """Say what is wrong with a recording and what to do, most serious things as "problem"."""
    found: list[dict[str, str]] = []

    def say(level: str, text: str) -> None:
        found.append({"level": level, "text": text})

    counts, received = tally.fates, tally.received
    time, still, pictures = report["time"], report["still"], report["pictures"]

    # 1. Enough to learn from?
    if pictures["samples"] < ENOUGH_SAMPLES:
        say("warning", f"only {pictures['samples']} samples: add recordings, thousands are better")
    if counts[Fate.STILL]:
        say(
            "note",
            f"{counts[Fate.STILL]} pictures were dropped, for hardly anything moved since the one "
            f"kept before; the camera stood still for {still['seconds']:g} s in all "
            f"({still['share_of_time']:.0%} of the time)",
        )
    turned = pictures["of_these_only_turned"]
    if turned > 0.2 * received:
        say("warning", f"{turned} pictures only turn: translate the camera while recording")
    if pictures["kept_but_without_neighbours"] > 0.3 * received:
        say(
            "warning",
            f"{pictures['kept_but_without_neighbours']} pictures moved but found no neighbour at "
            "a good distance: record more pictures per second, or move more steadily",
        )

    # 2. The stream.
    if time["lost_pictures"] > 0.02 * received:
        say(
            "warning",
            f"{time['lost_pictures']} pictures seem lost (longest gap {time['longest_gap_s']:g} s):"
            " lower the rate or record to a faster disk",
        )
    if counts[Fate.BACKWARDS]:
        say(
            "warning",
            f"{counts[Fate.BACKWARDS]} pictures are stamped before the one before them and were "
            "dropped: check the camera driver's clock",
        )
    if counts[Fate.DAMAGED]:
        say("warning", f"{counts[Fate.DAMAGED]} pictures unusable, such as: {tally.reasons[0]}")
    if counts[Fate.BLANK]:
        say("note", f"{counts[Fate.BLANK]} pictures show nothing that can be tracked; dropped")
    if breaks := counts[Fate.CUT] + counts[Fate.GAP] + counts[Fate.EXPOSED]:
        say(
            "note",
            f"{breaks} breaks ({counts[Fate.CUT]} cuts or jerks, {counts[Fate.GAP]} gaps, "
            f"{counts[Fate.EXPOSED]} exposure jumps); no sample reaches across one",
        )

    # 3. The pictures.
    if counts[Fate.EXPOSED] > 0.02 * received:
        say("warning", "exposure jumps often: fix exposure and gain while recording")
    light = report["exposure"]
    if max(light["too_dark_share"], light["too_bright_share"]) > 0.1:
        say("warning", "over 10 % of the pictures are very dark or very bright: adjust exposure")
    if (blurred := report["sharpness"]["blurred_share"]) > 0.1:
        say("warning", f"{blurred:.0%} of the pictures are blurred: shorten the exposure time")

    # 4. The camera.
    for text in _implausible(report["intrinsics"]):
        say("problem", text)

    # 5. Metres.
    if report["metric_scale_can_be_learned"]:
        checked = (
            f"checked against {facts.checked} pairs of pictures"
            if facts.checked
            else "too little motion to check it against the pictures"
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
                f"picture size than {side} px; check the CameraInfo"
            )
    for name, share in zip(("cx", "cy"), intrinsics["principal_point_share"], strict=True):
        if not 0.25 < share < 0.75:
            texts.append(f"{name} lies at {share:.0%} of the picture: K is of another size or crop")
    if not 0.5 < K[0][0] / K[1][1] < 2:
        texts.append(f"fx {K[0][0]:.0f} and fy {K[1][1]:.0f} px differ widely; calibrate again")
    return texts
