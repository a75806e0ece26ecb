# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packed sequences: the same samples as from folders, readable by others, never wrong bytes."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.training_runs import HEIGHT, WIDTH, write_sequence

from jasmine_core.dataset.pack import pack
from jasmine_core.dataset.packed import PACKED
from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.dataset.sequences import Sequence, open_sequences
from jasmine_core.errors import ConfigError
from jasmine_core.store.errors import StoreError
from jasmine_core.store.members import Member
from jasmine_core.synthetic.drive import WorldConfig, render_drive
from jasmine_ros.cli import main

SMALL = 20_000  # [bytes] of a shard


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder of two sequences, of which one has labels and margins."""
    root = tmp_path_factory.mktemp("data")
    drive = render_drive(11, WorldConfig(width=WIDTH, height=HEIGHT, frames=6, texture_banks=1))
    labelled = write_sequence(drive, root / "labelled.1")
    write_sequence(drive, root / "plain", frames=5)
    values = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH)
    cv2.imwrite(str(labelled / "seen.png"), np.full((HEIGHT, WIDTH), 255, np.uint8))
    for kind, labels in (("teacher", values), ("depth", values), ("masks", np.uint8(values % 19))):
        (labelled / kind).mkdir()
        for image in sorted((labelled / "images").iterdir())[1:4]:
            cv2.imwrite(str(labelled / kind / image.name), labels)
    (labelled / "teacher" / "pseudo_labels.json").write_text('{"relative": true}')
    return root


@pytest.fixture
def packed(folder, tmp_path) -> Path:
    assert pack(open_sequences(folder), tmp_path / "packed", SMALL)
    return tmp_path / "packed"


def equal(a, b):
    """Return whether two loaded samples are equal bit for bit."""
    for name, value in vars(a).items():
        other = getattr(b, name)
        if name == "camera":
            assert (value.size, value.K.tolist()) == (other.size, other.K.tolist())
        elif isinstance(value, tuple):
            assert all(map(np.array_equal, value, other))
        else:
            assert (value is None) == (other is None)
            assert value is None or np.array_equal(value, other), name
    return True


def test_packed_samples_are_those_of_the_folders(folder, packed):
    before, after = open_sequences(folder), open_sequences(packed)
    assert [s.folder.name for s in after] == ["labelled.1", "plain"]
    assert len(list(packed.glob("*.tar"))) > 2
    for one, other in zip(before, after, strict=True):
        assert one.index == other.index
        for i in range(len(one)):
            a, b = one.sample(i), other.sample(i)
            assert isinstance(b.image, Member)
            assert (a.stamp, a.relative, a.metres_per_unit) == (b.stamp, b.relative, None)
            assert equal(a.read(), b.read())
            assert equal(a.read((64, 32)), b.read((64, 32)))
    labelled = after[0].sample(0)
    assert all((labelled.seen, labelled.classes, labelled.teacher, labelled.depth))


def test_the_same_sequences_give_the_same_bytes(folder, packed, tmp_path):
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert pack(open_sequences(tmp_path / "elsewhere"), tmp_path / "again", SMALL)
    for file in sorted(packed.iterdir()):
        if not file.name.startswith("."):
            assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_packed_sequences_can_be_packed_again(packed, tmp_path):
    assert pack(open_sequences(packed), tmp_path / "one", 10**9)
    (shard,) = (tmp_path / "one").glob("*.tar")
    for one, other in zip(open_sequences(packed), open_sequences(tmp_path / "one"), strict=True):
        assert equal(one.sample(0).read(), other.sample(0).read())
    assert shard.stat().st_size > SMALL


def test_shards_are_tar_files_whose_groups_describe_themselves(folder, packed):
    """Files of one image have one key up to the first dot of the name, and lie in one shard."""
    groups = {}
    for shard in sorted(packed.glob("*.tar")):
        assert shard.stat().st_size < 3 * SMALL
        with tarfile.open(shard) as tar:
            for member in tar:
                place, _, name = member.name.rpartition("/")
                stamp, _, kind = name.partition(".")
                content = tar.extractfile(member).read()
                group = groups.setdefault(f"{place}/{stamp}", (shard, {}))
                assert group[0] == shard
                group[1][kind] = content
                assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
    assert len(groups) == 6 + 5
    key = sorted(groups)[1]
    files = groups[key][1]
    assert sorted(files) == ["depth.png", "image.png", "json", "masks.png", "teacher.png"]
    about = json.loads(files["json"])
    assert f"labelled.1/{about['stamp']}" == key
    assert np.array(about["K"]).shape == (3, 3)
    assert [source in groups for source in about["sources"]] == [True, True]
    image = folder / "labelled.1" / "images" / f"{about['stamp']}.png"
    assert files["image.png"] == image.read_bytes()


@pytest.mark.parametrize("damage", ["flipped", "truncated", "missing", "swapped"])
def test_damaged_shards_are_named(packed, damage):
    first, second = sorted(packed.glob("*.tar"))[:2]
    content = first.read_bytes()
    if damage == "flipped":
        first.write_bytes(bytes(b ^ 1 for b in content))
    elif damage == "truncated":
        first.write_bytes(content[:-1])
    elif damage == "missing":
        first.unlink()
    else:
        first.write_bytes(second.read_bytes()[: len(content)].ljust(len(content), b"\0"))
    if damage in ("missing", "truncated"):
        with pytest.raises(DatasetError, match=rf"{first.name} (is missing|has \d+ bytes, not)"):
            open_sequences(packed)
    else:
        sample = open_sequences(packed)[0].sample(0)
        with pytest.raises(StoreError, match=r"is not what was packed: .*; pack the sequences"):
            sample.read()


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(version=9),
        lambda v: v.pop("shards"),
        lambda v: v["shards"][0].update(name="../../etc/passwd"),
        lambda v: v["sequences"][0].pop("members"),
        lambda v: v["sequences"][0]["members"].popitem(),
        lambda v: v["sequences"][0]["members"].update({"images/x": [99, 0, 1, 1]}),
        lambda v: v["sequences"][0]["members"].update({"images/x": [0, -5, 1, 1]}),
        lambda v: v["sequences"][0]["index"].update(K=[[0]]),
        lambda v: v.update(sequences=7),
    ],
)
def test_a_damaged_index_is_one_line(packed, change):
    values = json.loads((packed / PACKED).read_text())
    change(values)
    (packed / PACKED).write_text(json.dumps(values))
    with pytest.raises(DatasetError):
        open_sequences(packed)


def test_two_sequences_of_one_name_are_refused(folder, tmp_path):
    sequences = open_sequences(folder)
    with pytest.raises(ConfigError, match=r"two sequences are named labelled\.1"):
        pack([*sequences, sequences[0]], tmp_path / "packed", SMALL)
    assert not (tmp_path / "packed").exists()


def test_an_interrupted_packing_leaves_nothing(folder, tmp_path):
    assert not pack(open_sequences(folder), tmp_path / "packed", SMALL, stop=lambda: True)
    assert list(tmp_path.iterdir()) == []


def test_the_command_packs_once(folder, tmp_path, capsys):
    arguments = ["pack", str(folder), "-o", str(tmp_path / "out"), "--shard-size", "1"]
    assert main(arguments) == 0
    assert "11 images of 2 sequences in 1 shards" in capsys.readouterr().out
    assert main(arguments) == 1
    assert "has packed sequences already; add --overwrite" in capsys.readouterr().err
    assert main([*arguments, "--overwrite"]) == 0
    assert len(open_sequences(tmp_path / "out")) == 2
    assert main(["pack", str(tmp_path), "-o", str(tmp_path / "x"), "--shard-size", "0"]) != 0


def test_files_of_the_user_in_the_place_of_the_shards_are_kept(folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    assert main(["pack", str(folder), "-o", str(tmp_path / "out")]) == 1
    assert "notes.txt is in the place of a result" in capsys.readouterr().err
    assert [f.name for f in (tmp_path / "out").iterdir()] == ["notes.txt"]


def test_a_missing_image_is_named(folder, tmp_path):
    copy = shutil.copytree(folder / "plain", tmp_path / "plain")
    sequence = Sequence(copy)
    (copy / sequence.index.frames[2].image).unlink()
    with pytest.raises(DatasetError, match="does not exist; prepare it again"):
        pack([sequence], tmp_path / "packed", SMALL)
    assert replace(sequence.index) == sequence.index
