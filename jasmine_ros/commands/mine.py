# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine mine`: the parts of recordings that a checkpoint knows least."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tqdm import tqdm

from jasmine_core.commands.options import Output, option
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_core.files import atomic_file
from jasmine_core.interrupt import INTERRUPTED, Interrupt
from jasmine_core.locks import exclusive
from jasmine_core.outputs import expect_own, record
from jasmine_core.shard import Shard
from jasmine_core.store.paths import url_of
from jasmine_core.store.results import staged
from jasmine_ros.bags.find import Recording, find_recordings
from jasmine_ros.bags.segments import CHOSEN, write_chosen
from jasmine_ros.commands.console import one_line
from jasmine_ros.commands.options import (
    Calibration,
    Recordings,
    ShardText,
    Topic,
    expect_recordings,
)

if TYPE_CHECKING:
    from jasmine_core.evaluate.mining import Ranked
    from jasmine_ros.bags.mine import MinedSegment

TABLE, REPORT, SHEET = "segments.csv", "mine.json", "contact_sheet.png"
_TILES = 60  # of the contact sheet
_COLUMNS = ("photometric", "temporal", "uncertainty", "novelty", "score")


@dataclass(frozen=True)
class MineRequest:
    """Rank segments of recordings by what a checkpoint does not know, for jasmine prepare.

    Writes OUT/segments.csv and OUT/mine.json (the ranking), OUT/contact_sheet.png, and
    OUT/chosen.json, the list for jasmine prepare --segments. No ground truth is needed.
    """

    #: Recordings: rosbag2 folders, .mcap or .db3 files, ROS 1 .bag files, or folders of these.
    bags: Recordings
    #: Folder of the results.
    output: Output
    #: Checkpoint of jasmine train with a pose net, or the name of a bundled one.
    checkpoint: Annotated[str, option("CHECKPOINT")] = "jasmine-tiny"
    #: Share of the segments that are chosen, 0 to 1.
    share: Annotated[float, option("SHARE")] = 0.25
    #: Length of a segment [s].
    segment: Annotated[float, option("SECONDS")] = 5.0
    #: Rate at which pairs of images are measured [Hz].
    rate: Annotated[float, option("HZ")] = 1.0
    #: Share of the recordings to rank, for one of several machines: 2/8 is the second of eight.
    shard: ShardText = "1/1"
    #: Topic of the images; may be omitted if a recording has one camera.
    image: Topic = None
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: YAML file of camera_calibration, for recordings without CameraInfo.
    calibration: Calibration = None
    #: Device of the network: auto, cpu, cuda or cuda:N.
    device: Annotated[str, option("DEVICE")] = "auto"

    def __post_init__(self) -> None:
        expect_recordings(self.bags, self.shard, workers=1)
        if not 0 < self.share <= 1:
            raise ConfigError(f"--share is {self.share}; it must be above 0 and at most 1")
        if not 0.2 <= self.segment <= 86400:
            raise ConfigError(f"--segment is {self.segment}; it must be 0.2 to 86400 seconds")
        if not 0 < self.rate <= 100:
            raise ConfigError(f"--rate is {self.rate}; it must be above 0 and at most 100 Hz")


def mine(request: MineRequest) -> int:
    """Rank the recordings; the status is 1 if one failed."""
    from jasmine_core.evaluate.contact_sheet import thumbnail
    from jasmine_core.evaluate.mining import rank_segments

    recordings = Shard.parse(request.shard)(find_recordings(request.bags, request.output))
    with Interrupt() as interrupt, staged(request.output, REPORT) as folder, exclusive(folder):
        expect_own(folder, TABLE, REPORT, SHEET, CHOSEN)
        found: list[MinedSegment] = []
        failed = _measure(request, recordings, found, interrupt)
        if interrupt.requested:
            return INTERRUPTED
        if not found:
            raise JasmineError("no recording has a segment with images that move")
        count = max(1, round(request.share * len(found)))
        ranked = rank_segments([one.segment for one in found], count)
        images = {id(one.segment): one.image for one in found}
        tiles = [
            (thumbnail(images[id(r.segment)]), f"{r.rank} {r.segment.recording}")
            for r in ranked[:_TILES]
        ]
        _write(request, folder, recordings, ranked, count, failed, tiles)
    chosen = {one.segment.recording for one in ranked[:count]}
    print(
        f"{count} of {len(ranked)} segments in {len(chosen)} recordings are chosen; see "
        f"{url_of(request.output / SHEET)}; jasmine prepare --segments "
        f"{url_of(request.output / CHOSEN)} prepares them"
    )
    return 1 if failed else 0


def _measure(
    request: MineRequest,
    recordings: Sequence[Recording],
    found: list[MinedSegment],
    interrupt: Interrupt,
) -> dict[str, str]:
    """Append the segments of the recordings; return why some failed."""
    from jasmine_core.evaluate.unknowns import UnknownsMeter
    from jasmine_ros.bags.mine import MineOptions, mine_bag

    meter = UnknownsMeter(request.checkpoint, request.device)
    options = MineOptions(
        request.image, request.camera_info, request.calibration, request.segment, request.rate
    )
    failed: dict[str, str] = {}
    for recording in tqdm(recordings, unit="recording", desc="mine", leave=False):
        try:
            found += mine_bag(recording, meter, options, lambda: interrupt.requested)
        except JasmineError as err:
            failed[recording.name] = str(err)
            tqdm.write(f"error: {one_line(str(err))}", file=sys.stderr)
        if interrupt.requested:
            break
    return failed


def _write(
    request: MineRequest,
    folder: Path,
    recordings: Sequence[Recording],
    ranked: Sequence[Ranked],
    count: int,
    failed: dict[str, str],
    tiles: Sequence[tuple[Any, str]],
) -> None:
    from jasmine_core.evaluate.contact_sheet import write_contact_sheet
    from jasmine_core.evaluate.mining import rank_recordings

    rows = [_row(one, one.rank <= count) for one in ranked]
    with atomic_file(folder / TABLE) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_contact_sheet(folder / SHEET, tiles)
    segments = [one.segment for one in ranked[:count]]
    write_chosen(folder / CHOSEN, [(s.recording, s.start, s.stop) for s in segments])
    report = {
        "checkpoint": request.checkpoint,
        "options": {k: v for k, v in asdict(request).items() if k in ("share", "segment", "rate")},
        "segments": rows,
        "recordings": [
            {"recording": name, "mean_residual_rank": round(mean, 4), "segments": number}
            for name, mean, number in rank_recordings(ranked)
        ],
        "failed": failed,
        "bags": {one.name: url_of(one.path) for one in recordings},
    }
    with atomic_file(folder / REPORT) as temporary:
        temporary.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    record(folder, TABLE, SHEET, CHOSEN, REPORT)


def _row(one: Ranked, chosen: bool) -> dict[str, Any]:
    s = one.segment
    values = (s.photometric, s.temporal, s.uncertainty, one.novelty, one.score)
    return {
        "rank": one.rank,
        "recording": s.recording,
        "start": s.start,
        "stop": s.stop,
        "pairs": s.images,
        **{name: round(value, 5) for name, value in zip(_COLUMNS, values, strict=True)},
        "chosen": int(chosen),
    }
