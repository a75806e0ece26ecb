# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Commands whose inputs and outputs are in an object store, and the mining of recordings."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import pytest
from helpers.object_store import contents, upload

import jasmine_core
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.outputs import MARKER
from jasmine_core.store.paths import filesystem, url_of
from jasmine_ros.cli import main

DRIVE = Path(jasmine_core.__file__).parent / "samples" / "street" / "drive"
SIZE = ["--width", "160", "--height", "64"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JASMINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fleet(bucket):
    upload(DRIVE, bucket / "bags" / "drive")
    return bucket / "bags"


def files_of(folder):
    return {
        f.relative_to(folder).as_posix(): f.read_bytes() for f in folder.rglob("*") if f.is_file()
    }


def test_prepare_pack_and_prepare_again_from_store_to_store(bucket, fleet, tmp_path, capsys, cache):
    assert main(["prepare", str(DRIVE), "-o", str(tmp_path / "own"), *SIZE]) == 0
    command = ["prepare", url_of(fleet), "-o", url_of(bucket / "own"), *SIZE]
    assert main(command) == 0
    found = contents(bucket / "own")
    assert found.pop(f"drive/{MARKER}")
    local = files_of(tmp_path / "own")
    local.pop(f"drive/{MARKER}")
    for report in (found.pop("drive/report.html"), local.pop("drive/report.html")):
        assert report.startswith(b"<!doctype html>")  # It names the command.
    assert found == local
    capsys.readouterr()
    assert main(command) == 0
    assert f"{url_of(bucket / 'own' / 'drive')}: already finished" in capsys.readouterr().out
    assert main([*command, "--quality", "80"]) == 1
    error = capsys.readouterr().err
    assert f"{url_of(bucket / 'own' / 'drive')} was prepared differently (quality 95" in error
    assert contents(bucket / "own").keys() == {
        *found,
        f"drive/{MARKER}",
        "drive/report.html",
    }
    assert main([*command, "--quality", "80", "--overwrite"]) == 0
    assert contents(bucket / "own")["drive/sequence.json"] != found["drive/sequence.json"]
    assert main(["pack", url_of(bucket / "own"), "-o", url_of(bucket / "packed")]) == 0
    assert set(contents(bucket / "packed")) == {MARKER, "000000.tar", "packed.json"}
    assert not [f for f in cache.rglob("*") if f.is_file()], "nothing is left on the disk"


def test_run_from_store_to_store_with_a_checkpoint_of_a_store(bucket, fleet, checkpoint, capsys):
    upload(checkpoint, bucket / "net")
    options = ["--checkpoint", url_of(bucket / "net"), "--limit", "3"]
    command = ["run", url_of(fleet / "drive"), "-o", url_of(bucket / "depth"), *options]
    assert main(command) == 0
    assert f"see {url_of(bucket / 'depth' / 'preview.png')}" in capsys.readouterr().out
    found = contents(bucket / "depth")
    names = {"report.html", "report.json", "preview.png", "depth/metadata.yaml", "depth/depth.mcap"}
    assert names <= set(found)
    assert json.loads(found["report.json"])["bag"] == url_of(fleet / "drive")
    assert main(command) == 1
    assert "report.json already exists; add --overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_several_recordings_run_from_store_to_store_with_a_summary(
    bucket, fleet, checkpoint, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    fs, name = filesystem(fleet / "broken.mcap")
    fs.pipe_file(name, b"not a recording")
    out = bucket / "out"
    command = ["run", url_of(fleet), "-o", url_of(out), "--limit", "2"]
    command += ["--checkpoint", str(checkpoint)]
    assert main(command) == 1
    shown = capsys.readouterr()
    assert f"{url_of(out / 'drive')}: 2 of 2 images" in shown.out
    assert "broken.mcap cannot be read" in shown.err
    found = contents(out)
    assert {"drive/depth/depth.mcap", "drive/report.json", "broken/failure.json"} <= set(found)
    failure = json.loads(found["broken/failure.json"])
    assert failure["bag"] == url_of(fleet / "broken.mcap")
    assert failure["error"].startswith(f"{failure['bag']} cannot be read: ")
    summary = json.loads(found["summary.json"])
    assert (summary["finished"], summary["failed"]) == (1, 1)
    assert b'src="drive/preview.png"' in found["summary.html"]
    assert b'href="drive/report.html"' in found["summary.html"]
    fs.pipe_file(name, next(DRIVE.glob("*.mcap")).read_bytes())
    assert main(command) == 0
    assert f"{url_of(out / 'drive')}: already finished" in capsys.readouterr().out
    found = contents(out)
    assert json.loads(found["summary.json"])["finished"] == 2
    assert "broken/failure.json" not in found
    assert list(tmp_path.glob("s3*")) == []


def test_a_missing_checkpoint_and_recording_of_a_store_are_one_line(bucket, fleet, capsys):
    out = ["-o", url_of(bucket / "out")]
    assert main(["run", url_of(fleet), *out, "--checkpoint", url_of(bucket / "none")]) == 1
    assert f"no checkpoint at {url_of(bucket / 'none')}" in capsys.readouterr().err
    assert main(["prepare", url_of(bucket / "none"), *out]) == 1
    assert f"error: {url_of(bucket / 'none')} does not exist" in capsys.readouterr().err
    assert contents(bucket / "out") == {}


def test_objects_of_the_user_in_the_place_of_a_sequence_are_kept(bucket, fleet, capsys):
    fs, name = filesystem(bucket / "own" / "drive" / "notes.txt")
    fs.pipe_file(name, b"mine")
    assert main(["prepare", url_of(fleet), "-o", url_of(bucket / "own"), *SIZE]) == 1
    assert "notes.txt is in the place of a result" in capsys.readouterr().err
    assert contents(bucket / "own") == {"drive/notes.txt": b"mine"}


def test_mined_segments_are_prepared_and_no_others(tmp_path, capsys):
    fleet = tmp_path / "fleet"
    fleet.mkdir()
    (fleet / "drive").symlink_to(DRIVE)
    (fleet / "broken.mcap").write_bytes(b"not a recording")
    bags = [str(DRIVE), str(fleet / "broken.mcap")]
    command = ["mine", *bags, "-o", str(tmp_path / "mined"), "--segment", "1", "--rate", "2"]
    assert main([*command, "--share", "0.5"]) == 1, (
        "a recording is damaged, and the other is ranked"
    )
    shown = capsys.readouterr()
    assert "broken.mcap cannot be read" in shown.err
    assert "2 of 4 segments in 1 recordings are chosen" in shown.out
    rows = list(csv.DictReader((tmp_path / "mined" / "segments.csv").open()))
    assert [int(row["rank"]) for row in rows] == [1, 2, 3, 4]
    assert [row["chosen"] for row in rows] == ["1", "1", "0", "0"]
    report = json.loads((tmp_path / "mined" / "mine.json").read_text())
    assert list(report["failed"]) == ["broken"]
    assert cv2.imread(str(tmp_path / "mined" / "contact_sheet.png")) is not None
    chosen = json.loads((tmp_path / "mined" / "chosen.json").read_text())["segments"]
    windows = sorted((int(row["start"]), int(row["stop"])) for row in rows[:2])
    assert [(s["start"], s["stop"]) for s in chosen] == windows

    listed = ["--segments", str(tmp_path / "mined" / "chosen.json")]
    prepare = ["prepare", *bags, "-o", str(tmp_path / "own"), *SIZE, *listed]
    assert main(prepare) == 0, "the damaged recording has no segment"
    sequence = Sequence(tmp_path / "own" / "drive")
    for frame in sequence.index.frames:
        assert any(start <= frame.stamp < stop for start, stop in windows)
    assert len(sequence) > 5
    assert main(prepare) == 0
    assert "already finished" in capsys.readouterr().out
    assert main([*prepare[:-2]]) == 1, "without the list it is another request"
    chosen_path = tmp_path / "mined" / "chosen.json"
    chosen_path.write_text(chosen_path.read_text().replace('"drive"', '"other"'))
    assert main(prepare) == 1
    assert "names none of the recordings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("--share", "0"), ("--segment", "0.1"), ("--rate", "nan")]
)
def test_impossible_options_of_mine_are_named(tmp_path, capsys, option, value):
    assert main(["mine", str(DRIVE), "-o", str(tmp_path / "out"), option, value]) != 0
    assert f"{option} is {value}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("render", "-o", "s3://bucket/x"),
        ("export", "jasmine-tiny", "--onnx", "-o", "s3://bucket/x"),
        ("evaluate", "--world", "street", "--json", "s3://bucket/x.json"),
        ("prepare", "bag", "-o", "out", "--calibration", "s3://bucket/x.yaml"),
    ],
)
def test_urls_in_options_of_the_disk_are_refused(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(list(arguments)) == 1
    error = capsys.readouterr().err
    assert "is s3://bucket/x" in error
    assert "it must be on the disk" in error
    assert list(tmp_path.iterdir()) == [], "no folder is named s3:"
