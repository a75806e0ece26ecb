# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Training from folders, shards and object stores: the same bits, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
import torch
from helpers.object_store import upload
from helpers.training_runs import HEIGHT, WIDTH, log, same, weights

from jasmine_core.config import write_config
from jasmine_core.dataset.pack import pack
from jasmine_core.dataset.sequences import open_sequences
from jasmine_core.errors import ConfigError
from jasmine_core.store import members
from jasmine_core.store.errors import StoreError
from jasmine_core.store.local_copies import local_folder
from jasmine_core.store.members import Member, fetch
from jasmine_core.store.paths import filesystem, is_file, url_of
from jasmine_core.train.feed import Batch, Feed, Images
from jasmine_core.train.recipe import DataConfig
from jasmine_core.train.split import split_samples
from jasmine_core.train.trainer import train

STEPS = 8


@pytest.fixture
def places(sequence, bucket, tmp_path):
    """Return the same sequence in a folder, in shards, and both in a store."""
    assert pack(open_sequences(sequence), tmp_path / "packed", 30_000)
    return {
        "folder": str(sequence),
        "shards": str(tmp_path / "packed"),
        "folder in a store": url_of(upload(sequence, bucket / "own")),
        "shards in a store": url_of(upload(tmp_path / "packed", bucket / "packed")),
    }


def batches(place, workers=0, first=0, **changes):
    config = replace(DataConfig((place,), held_out=0.0, workers=workers, degrade=0.5), **changes)
    images = Images(split_samples(config).training, config, (WIDTH, HEIGHT), 5)
    return list(Feed(images, 2, workers=workers).batches(first, STEPS))


def equal(a: Batch, b: Batch) -> bool:
    names = [f.name for f in fields(Batch)]
    return all(torch.equal(getattr(a, n).nan_to_num(), getattr(b, n).nan_to_num()) for n in names)


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_equal_bit_for_bit_from_all_places(places, workers):
    expected = batches(places["folder"])
    for name in ("shards", "folder in a store", "shards in a store"):
        found = batches(places[name], workers)
        assert all(map(equal, expected, found)), name
        later = batches(places[name], workers, first=5)
        assert all(map(equal, expected[5:], later)), name


def test_auxiliary_images_are_read_from_a_store(places, bucket, tmp_path):
    (tmp_path / "images").mkdir()
    for i in range(3):
        image = np.full((200, 300, 3), 70 + i, np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{i}.png"), image)
    remote = upload(tmp_path / "images", bucket / "images")
    expected = batches(places["folder"], auxiliary=str(tmp_path / "images"))
    found = batches(places["shards in a store"], auxiliary=url_of(remote))
    assert all(map(equal, expected, found))


def test_neighbouring_members_share_a_request(bucket, monkeypatch):
    fs, name = filesystem(bucket / "x.tar")
    content = bytes(range(256)) * 2000
    fs.pipe_file(name, content)
    found = []
    for offset, size in ((512, 100), (1024, 300), (300_000, 10)):
        part = content[offset : offset + size]
        crc = members.zlib.crc32(part)
        found.append(Member(bucket / "x.tar", offset, size, crc, "x"))
    requests = []
    ranges = members._ranges
    monkeypatch.setattr(members, "_ranges", lambda *a: requests.append(a[1:]) or ranges(*a))
    fetched = fetch(found)
    assert requests == [([512, 300_000], [1324, 300_010])]
    for member in found:
        assert fetched[member] == content[member.offset : member.offset + member.size]


@pytest.mark.parametrize("change", ["replaced", "deleted"])
def test_a_shard_that_changes_during_the_training_is_named(places, bucket, change):
    config = DataConfig((places["shards in a store"],), held_out=0.0)
    images = Images(split_samples(config).training, config, (WIDTH, HEIGHT), 5)
    fs, root = filesystem(bucket / "packed")
    for name in fs.glob(f"{root}/*.tar"):
        fs.rm_file(name) if change == "deleted" else fs.pipe_file(name, bytes(fs.size(name)))
    with pytest.raises((StoreError, FileNotFoundError), match=r"\.tar"):
        next(iter(Feed(images, 2).batches(0, 1)))


@pytest.mark.slow
def test_a_training_from_store_to_store_is_killed_and_resumed(
    places, bucket, disparity_recipe, tmp_path
):
    data = replace(disparity_recipe.data, sequences=(places["shards in a store"],))
    recipe = replace(disparity_recipe, data=data)
    local = replace(recipe, data=replace(data, sequences=(places["folder"],)))
    whole = train(local, tmp_path / "whole")
    write_config(recipe, tmp_path / "recipe.yaml")
    run = bucket / "run"
    command = [sys.executable, "-m", "jasmine_ros.cli", "train", str(tmp_path / "recipe.yaml")]
    command += ["-o", url_of(run)]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    try:
        limit = time.monotonic() + 300
        while not is_file(run / "states" / "0000002" / "progress.json"):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < limit
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_file(run / "final" / "config.json")
    with pytest.raises(ConfigError, match="holds a training already; add --resume"):
        train(recipe, run)
    resumed = train(recipe, run, resume=True)
    assert resumed == run / "final"
    found = local_folder(run)
    assert same(weights(whole), weights(found / "final"))
    assert sorted(f.name for f in (found / "states").iterdir()) == ["0000002", "0000004", "0000006"]
    assert len([line for line in log(found) if "total" in line]) == recipe.steps
