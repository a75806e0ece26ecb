# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
import torch
from helpers.training_runs import HEIGHT, WIDTH, write_sequence

from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.errors import ConfigError
from jasmine_core.geometry.warp import warp
from jasmine_core.loss.photometric import photometric_error
from jasmine_core.train.feed import Batch, Feed, Images
from jasmine_core.train.recipe import DataConfig, KittiConfig
from jasmine_core.train.split import split_samples

SIZE = (WIDTH, HEIGHT)


@pytest.fixture
def config(sequence) -> DataConfig:
    return DataConfig((str(sequence),), held_out=0.0, workers=0)


def feed(config, batch_size=2, rank=0, processes=1, workers=0, seed=5):
    images = Images(split_samples(config).training, config, SIZE, seed)
    return Feed(images, batch_size, rank, processes, workers)


def equal(a: Batch, b: Batch) -> bool:
    names = [f.name for f in fields(Batch)]
    return all(torch.equal(getattr(a, n).nan_to_num(), getattr(b, n).nan_to_num()) for n in names)


def joined(parts):
    names = [f.name for f in fields(Batch)]
    return Batch(**{n: torch.cat([getattr(p, n) for p in parts]) for n in names})


def only(config, **changes):
    return replace(config, **({"flip": 0.0, "jitter": 0.0} | changes))


def test_a_batch_is_a_function_of_its_step_alone(config):
    whole = list(feed(config).batches(0, 8))
    later = list(feed(config).batches(5, 8))
    assert all(equal(a, b) for a, b in zip(whole[5:], later, strict=True))
    in_workers = list(feed(config, workers=2).batches(0, 8))
    assert all(equal(a, b) for a, b in zip(whole, in_workers, strict=True))
    assert not equal(whole[0], next(iter(feed(config, seed=6).batches(0, 1))))


def test_an_epoch_shows_every_sample_once(config):
    count = len(split_samples(config).training)
    assert count == 10
    # Batches of 4 do not divide 10: epochs go on within a batch.
    keys = torch.cat([b.key[:, 0] // 2 for b in feed(config, batch_size=4).batches(0, 15)])
    epochs = keys.view(6, count).tolist()
    assert all(sorted(epoch) == list(range(count)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 6, "each in another order"


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_share_the_global_batch(config, processes):
    whole = list(feed(config, batch_size=4).batches(0, 4))
    parts = [list(feed(config, 4, rank, processes).batches(0, 4)) for rank in range(processes)]
    for step, batch in enumerate(whole):
        assert equal(batch, joined([part[step] for part in parts]))
    with pytest.raises(ConfigError, match="batch_size 4 cannot be shared by 3"):
        feed(config, 4, 0, 3)


def test_a_mirrored_sample_is_mirrored_in_all_it_has(config):
    pairs = zip(
        feed(only(config)).batches(0, 6), feed(only(config, flip=1.0)).batches(0, 6), strict=True
    )
    for plain, mirrored in pairs:
        for name in ("image", "sources", "auxiliary", "moving", "sky", "pose_image", "teacher"):
            assert torch.equal(getattr(plain, name).flip(-1), getattr(mirrored, name)), name
        K = plain.K.clone()
        K[:, 0, 2] = WIDTH - 1 - K[:, 0, 2]  # pixel centres lie at integers
        torch.testing.assert_close(mirrored.K, K)
        torch.testing.assert_close(plain.odometry, mirrored.odometry)
        assert not set(plain.key.flatten().tolist()) & set(mirrored.key.flatten().tolist())


@pytest.mark.parametrize("flip", [0.0, 1.0])
def test_odometry_moves_an_image_onto_its_neighbour(config, drive, flip):
    """With the exact depth, in either orientation; neither standing still nor moving back does."""
    batch = next(iter(feed(only(config, flip=flip)).batches(0, 1)))
    depths = [drive.depths[1 + int(key) // 2] for key in batch.key[:, 0]]
    depth = torch.stack([d.flip(-1) if flip else d for d in depths]).clamp(max=1000)

    def error(motion):
        view = warp(batch.sources[:, 0], depth, batch.K, motion)
        return photometric_error(batch.image, view.image)[view.inside].mean()

    there = error(batch.motion[:, 0])
    assert there < 0.7 * error(torch.eye(4).expand(len(depth), 4, 4))
    assert there < 0.7 * error(torch.linalg.inv(batch.motion[:, 0]))


def test_margins_that_show_nothing_are_known(config, tmp_path, drive):
    framed = write_sequence(drive, tmp_path / "framed")
    seen = np.full((HEIGHT, WIDTH), 255, np.uint8)
    seen[:, :20] = 0
    cv2.imwrite(str(framed / "seen.png"), seen)
    framed_config = replace(config, sequences=(str(framed),))
    for flip in (0.0, 1.0):
        batch = next(iter(feed(only(framed_config, flip=flip)).batches(0, 1)))
        expected = torch.from_numpy(seen > 0).expand(2, 1, -1, -1)
        assert torch.equal(batch.seen, expected.flip(-1) if flip else expected)
    assert next(iter(feed(config).batches(0, 1))).seen.all()


def test_some_samples_are_mirrored(config):
    keys = torch.cat([b.key[:, 0] for b in feed(only(config, flip=0.5)).batches(0, 40)])
    assert 0.3 < (keys % 2).double().mean() < 0.7


def test_colours_change_for_the_pose_net_alone_and_alike(config):
    for plain, coloured in zip(
        feed(only(config)).batches(0, 4), feed(only(config, jitter=1.0)).batches(0, 4), strict=True
    ):
        assert torch.equal(plain.pose_image, plain.image)
        for name in ("image", "sources", "auxiliary", "K", "key"):
            assert torch.equal(getattr(plain, name), getattr(coloured, name)), name
        for i in range(len(plain.image)):
            assert not torch.equal(plain.pose_image[i], coloured.pose_image[i])
        assert coloured.pose_image.min() >= 0
        assert coloured.pose_image.max() <= 1


def test_images_of_one_sample_get_the_same_colours(config, tmp_path, drive):
    """Three equal images stay equal: brightness constancy is what the pose net lives on."""
    still = write_sequence(drive, tmp_path / "still")
    files = sorted((still / "images").iterdir())
    for file in files[1:]:
        file.write_bytes(files[0].read_bytes())
    still_config = only(replace(config, sequences=(str(still),)), jitter=1.0)
    batch = next(iter(feed(still_config).batches(0, 1)))
    assert torch.equal(batch.pose_image, batch.pose_sources[:, 0])
    assert torch.equal(batch.pose_image, batch.pose_sources[:, 1])


def test_held_out_images_are_not_used_for_training(config, sequence):
    """Neither as a target nor as a neighbour: the last images are for validation alone."""
    split = split_samples(replace(config, held_out=0.3))
    assert (len(split.training), len(split.validation)) == (5, 3)

    def seen(samples):
        return {p for s in samples for p in (s.image, *(n.image for n in s.sources))}

    assert not seen(split.training) & seen(split.validation)
    everything = seen(Sequence(sequence).sample(i) for i in range(10))
    assert len(everything) == 12


def test_kitti_raw_is_read_by_its_lists(config, sequence, tmp_path):
    drive = tmp_path / "2011_09_26" / "2011_09_26_drive_0001_sync"
    (drive / "image_02" / "data").mkdir(parents=True)
    rows = ("S_rect_02: 128 64", "R_rect_00: 1 0 0 0 1 0 0 0 1")
    rows += ("P_rect_02: 74 0 64 0 0 74 32 0 0 0 1 0",)
    (drive.parent / "calib_cam_to_cam.txt").write_text("\n".join(rows) + "\n")
    images = sorted((sequence / "images").iterdir())
    for i, image in enumerate(images):
        (drive / "image_02" / "data" / f"{i:010d}.png").write_bytes(image.read_bytes())
    stamps = [f"2011-09-26 13:02:25.{i:09d}" for i in range(len(images))]
    (drive / "image_02" / "timestamps.txt").write_text("\n".join(stamps) + "\n")
    lists = {"train": (1, 2, 3), "validate": (8, 9)}
    for name, numbers in lists.items():
        lines = [f"2011_09_26/{drive.name} {i} l" for i in numbers]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    kitti = KittiConfig(str(tmp_path), str(tmp_path / "train"), str(tmp_path / "validate"))
    both = replace(config, sequences=(), kitti=kitti)
    split = split_samples(both)
    assert (len(split.training), len(split.validation)) == (3, 2)
    assert next(iter(feed(both).batches(0, 1))).image.shape == (2, 3, HEIGHT, WIDTH)


def test_the_share_of_own_images_to_rebuild(config, tmp_path):
    grey = np.full((200, 300, 3), 77, np.uint8)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    mixed = replace(config, auxiliary=str(tmp_path), own_share=0.3)
    keys, images = [], []
    for batch in feed(mixed, batch_size=4).batches(0, 50):
        keys += batch.key[:, 1].tolist()
        images += list(batch.auxiliary)
    strange = [k < 0 for k in keys]
    assert 0.6 < np.mean(strange) < 0.8
    assert all(bool((p == 77 / 255).all()) == s for p, s in zip(images, strange, strict=True)), (
        "a stranger's image has no key, for each part of it is another"
    )

    own = list(feed(replace(config, auxiliary="self")).batches(0, 20))
    assert all((batch.key >= 0).all() for batch in own)
    none = next(iter(feed(replace(config, auxiliary="")).batches(0, 1)))
    assert none.auxiliary.abs().max() == 0
    assert (none.key[:, 1] == -1).all()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"empty holds no \.png"):
        feed(replace(config, auxiliary=str(tmp_path / "empty")))


def test_a_key_names_one_image(config):
    """What the latent cache trusts: equal keys, equal pixels."""
    known: dict[int, torch.Tensor] = {}
    for batch in feed(config, batch_size=4).batches(0, 20):
        both = zip((batch.image, batch.auxiliary), batch.key.unbind(1), strict=True)
        for images, keys in both:
            for key, image in zip(keys.tolist(), images, strict=True):
                assert torch.equal(known.setdefault(key, image), image)
    assert len(known) == 20, "ten images, plain and mirrored"


def test_everything_a_batch_has(config):
    batch = next(iter(feed(only(config), batch_size=3).batches(0, 1)))
    count = Counter({f.name: getattr(batch, f.name).shape[0] for f in fields(Batch)})
    assert set(count.values()) == {3}
    assert batch.image.shape == (3, 3, HEIGHT, WIDTH)
    assert batch.sources.shape == (3, 2, 3, HEIGHT, WIDTH)
    assert 0 <= batch.image.min() < batch.image.max() <= 1
    assert batch.moving.dtype == batch.sky.dtype == torch.bool
    assert (batch.odometry > 0).all()
