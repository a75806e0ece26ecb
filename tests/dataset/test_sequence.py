# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import resource
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.corridor import CAMERA, look, pose

from jasmine_core.dataset.labels import attach, labels_in
from jasmine_core.dataset.sequence import CLASSES, TEACHER, DatasetError
from jasmine_core.dataset.sequences import Sequence, open_sequences
from jasmine_core.errors import FrameError
from jasmine_core.geometry.camera import fit, stretch
from jasmine_core.geometry.rigid import inverse, to_numbers
from jasmine_core.prepare.odometry import Odometry
from jasmine_core.prepare.options import PrepareOptions
from jasmine_core.prepare.resume import finished
from jasmine_core.prepare.sequence_builder import SequenceBuilder
from jasmine_core.prepare.statistics import OdometryFacts

STEP = 100_000_000  # [ns]
START = 1_600_000_000_000_000_000
OPTIONS = PrepareOptions(width=160, height=96)
SOURCE = {"bag": "corridor", "image": "/camera/image_rect"}
# Slow, still, fast, a cut, fast: all statuses that matter to a resumed run.
POSES = (
    [pose(0.08 * i) for i in range(8)]
    + [pose(0.56)] * 4
    + [pose(0.56 + 0.2 * i) for i in range(1, 9)]
    + [pose(80.0 + 0.25 * i, x=0.8, yaw=0.7) for i in range(5)]
)
SEEN = np.ones((96, 160), bool)
ALL = len(POSES)


def stamp(i):
    return START + i * STEP


def builder(folder, odometry=True, options=OPTIONS, source=SOURCE, seen=SEEN):
    track = None
    if odometry:
        samples = [(stamp(i), tuple(to_numbers(T))) for i, T in enumerate(POSES)]
        track = Odometry(samples, np.eye(4))
    facts = OdometryFacts("/odom", len(POSES), 1, None, "", 3) if odometry else OdometryFacts()
    return SequenceBuilder(folder, source, options, CAMERA, seen, track, facts)


def offer(sequence, count=ALL, start=0):
    for i in range(start, count):
        if sequence.resume_at is None or stamp(i) >= sequence.resume_at:
            sequence.offer(stamp(i), stamp(i), lambda i=i: look(POSES[i])[0])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "corridor"
    with builder(folder) as sequence:
        offer(sequence)
        sequence.finish()
    return folder


@pytest.fixture
def folder(tmp_path, prepared):
    """Return a copy of the prepared sequence."""
    return shutil.copytree(prepared, tmp_path / "corridor")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_sample_is_an_image_with_its_neighbours_and_the_motion_between(folder):
    sequence = Sequence(folder)
    assert len(sequence) > 10 and sequence.metric
    for i in range(len(sequence)):
        sample = sequence.sample(i)
        target = (sample.stamp - START) // STEP
        before, after = ((s.stamp - START) // STEP for s in sample.sources)
        assert before < target < after
        for source, number in zip(sample.sources, (before, after), strict=True):
            expected = inverse(POSES[target]) @ POSES[number]
            np.testing.assert_allclose(source.T_target_source, expected, atol=1e-7)
            assert source.distance == pytest.approx(np.linalg.norm(expected[:3, 3]), abs=1e-6)
        loaded = sample.read()
        ground_truth = look(POSES[target])[0]
        assert np.abs(loaded.target.astype(int) - ground_truth).mean() < 8  # JPEG
        np.testing.assert_allclose(loaded.camera.K, CAMERA.K)


def test_warping_with_ground_truth_depth_and_motion_gives_the_neighbour(folder):
    sequence = Sequence(folder)
    for i in range(0, len(sequence), 3):
        sample = sequence.sample(i)
        loaded = sample.read()
        _, depth = look(POSES[(sample.stamp - START) // STEP])
        points = loaded.camera.rays() * depth[..., None]
        for source, image in zip(sample.sources, loaded.sources, strict=True):
            T = inverse(source.T_target_source)
            there = (points @ T[:3, :3].T + T[:3, 3]) @ loaded.camera.K.T
            u, v = (np.float32(there[..., k] / there[..., 2]) for k in range(2))
            warped = cv2.remap(image, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            inside = (u > 0) & (u < 159) & (v > 0) & (v < 95)
            error, still = (
                np.abs(loaded.target.astype(int) - p)[inside].mean() for p in (warped, image)
            )
            assert error < 0.6 * still


def test_no_sample_spans_a_cut_and_unused_images_are_deleted(folder):
    sequence = Sequence(folder)
    frames = sequence.index.frames
    for record in sequence.index.samples:
        assert len({frames[i].segment for i in (record.target, *record.sources)}) == 1
    used = {i for r in sequence.index.samples for i in (r.target, *r.sources)}
    assert used == set(range(len(frames)))
    stored = {f"images/{f.name}" for f in (folder / "images").iterdir()}
    assert stored == {f.image for f in frames}


def test_samples_are_read_at_any_size_with_the_same_rays(folder):
    loaded = Sequence(folder).sample(0).read((80, 64))
    assert loaded.target.shape == loaded.sources[1].shape == (64, 80, 3)
    np.testing.assert_allclose(loaded.camera.K, stretch((160, 96), (80, 64)).camera(CAMERA).K)


@pytest.mark.parametrize("stop", [0, 1, 6, 10, 13, 21, 24])
def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path, folder, stop):
    again = tmp_path / "again" / "corridor"
    with builder(again) as sequence:
        offer(sequence, stop)
    work = again.with_name(".corridor.unfinished")
    with (work / "frames.jsonl").open("a") as journal:
        journal.write('{"log": 16000')  # left by a kill in the middle of a line
    read = []
    with builder(again) as sequence:
        assert sequence.received == stop
        for i in range(len(POSES)):
            if sequence.resume_at is None or stamp(i) >= sequence.resume_at:
                sequence.offer(stamp(i), stamp(i), lambda i=i: read.append(i) or look(POSES[i])[0])
        sequence.finish()
    assert contents(again) == contents(folder)
    assert len(read) <= len(POSES) - stop + 16
    assert not work.exists()


def test_a_damaged_stored_image_is_written_again(tmp_path, folder):
    again = tmp_path / "again" / "corridor"
    with builder(again) as sequence:
        offer(sequence, 20)
    images = sorted((again.with_name(".corridor.unfinished") / "images").iterdir())
    images[5].write_bytes(b"half")
    with builder(again) as sequence:
        assert sequence.received < 20
        offer(sequence)
        sequence.finish()
    assert contents(again) == contents(folder)


def test_two_processes_do_not_prepare_the_same_sequence(tmp_path):
    with builder(tmp_path / "corridor") as first:
        offer(first, 3)
        with pytest.raises(DatasetError, match="another process"), builder(tmp_path / "corridor"):
            pass
        offer(first, 6, start=3)
        assert first.received == 6


def test_other_options_and_other_bags_are_refused_with_the_difference(tmp_path, folder):
    assert finished(folder, SOURCE, OPTIONS)
    assert not finished(tmp_path / "nothing", SOURCE, OPTIONS)
    with pytest.raises(DatasetError, match="quality 95 is now 80"):
        finished(folder, SOURCE, PrepareOptions(width=160, height=96, quality=80))
    with pytest.raises(DatasetError, match="bag corridor is now street"):
        finished(folder, SOURCE | {"bag": "street"}, OPTIONS)
    with builder(tmp_path / "b") as sequence:
        offer(sequence, 4)
    with (
        pytest.raises(DatasetError, match="image_format jpg is now png"),
        builder(tmp_path / "b", options=PrepareOptions(width=160, height=96, image_format="png")),
    ):
        pass


def test_a_full_disk_is_an_error_and_the_next_run_continues(tmp_path, folder):
    again = tmp_path / "again" / "corridor"
    largest = max(f.stat().st_size for f in (folder / "images").iterdir())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with builder(again) as sequence:
            # The largest image exceeds the limit, which fails like a full disk.
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest - 1, before[1]))
            with pytest.raises(DatasetError, match="run the same command again"):
                offer(sequence)
            assert 0 < sequence.received < len(POSES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not again.exists()
    with builder(again) as sequence:
        offer(sequence)
        sequence.finish()
    assert contents(again) == contents(folder)


def test_a_recording_without_motion_leaves_no_files(tmp_path):
    with builder(tmp_path / "still") as sequence:
        for i in range(6):
            sequence.offer(stamp(i), stamp(i), lambda: look(pose())[0])
        with pytest.raises(DatasetError, match="does not move in 5 of 6 images"):
            sequence.finish()
    assert list(tmp_path.iterdir()) == []


def test_damaged_images_are_counted_and_skipped(tmp_path):
    def damaged():
        raise FrameError("/camera: 12 bytes are damaged")

    with builder(tmp_path / "corridor") as sequence:
        for i in range(len(POSES)):
            sequence.offer(
                stamp(i), stamp(i), damaged if i % 7 == 3 else lambda i=i: look(POSES[i])[0]
            )
        health = sequence.finish().health
    assert health["images"]["damaged"] == 4
    assert any("12 bytes are damaged" in f["text"] for f in health["findings"])


def test_missing_and_changed_images_are_errors(folder):
    sequence = Sequence(folder)
    sample = sequence.sample(0)
    small = cv2.imencode(".jpg", np.zeros((48, 80, 3), np.uint8))[1].tobytes()
    sample.image.write_bytes(small)
    with pytest.raises(DatasetError, match="is 80x48 px but its index has 160x96"):
        sample.read()
    sample.image.write_bytes(b"")
    with pytest.raises(DatasetError, match="cannot be decoded as an image"):
        sample.read()
    sample.image.unlink()
    with pytest.raises(DatasetError, match=rf"lacks 1 of its {len(sequence.index.frames)}"):
        Sequence(folder)


WIDE = [[6e5, 0, 5e5], [0, 6e5, 48], [0, 0, 1]]


def with_pose(values, pose):
    values["samples"][0]["T_target_source"] = [pose, None]
    return json.dumps(values)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda v: "{", "cannot be read"),
        (lambda v: json.dumps(v | {"version": 99}), "version"),
        (lambda v: json.dumps({k: x for k, x in v.items() if k != "K"}), "K.*prepare it again"),
        (lambda v: json.dumps(v | {"frames": v["frames"][:1]}), "outside its 1 frames"),
        (lambda v: json.dumps(v | {"K": [[0.8, 0, 0.5], [0, 1.2, 0.5], [0, 0, 1]]}), "normalised"),
        (lambda v: json.dumps(v | {"K": np.transpose(v["K"]).tolist()}), "K is transposed"),
        (lambda v: json.dumps(v | {"K": [[100, 0, 900], [0, 100, 40], [0, 0, 1]]}), "outside"),
        (lambda v: json.dumps(v | {"K": [[1, 0], [0]]}), "K"),
        (lambda v: json.dumps(v | {"K": [[2.5, 0, 0.5], [0, 2, 0.5], [0, 0, 1]]}), "normalised"),
        (lambda v: json.dumps(v | {"width": 1 << 20, "K": WIDE}), "larger than any network's"),
        (lambda v: json.dumps(v | {"metres_per_unit": -1.0}), "metres_per_unit is -1.0"),
        (lambda v: with_pose(v, [1.0]), "T_target_source is not of 7 finite numbers"),
        (lambda v: with_pose(v, [0.0] * 7), "unit quaternion"),
        (lambda v: with_pose(v, [0, 0, float("nan"), 0, 0, 0, 1]), "unit quaternion"),
    ],
)
def test_a_damaged_index_is_refused(folder, damage, named):
    path = folder / "sequence.json"
    path.write_text(damage(json.loads(path.read_text())))
    with pytest.raises(DatasetError, match=named):
        Sequence(folder)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "images/../../secret.jpg", "../images/a.jpg", "images/..", "images/", "a.jpg"],
)
def test_path_that_leaves_the_sequence_is_refused(folder, name):
    path = folder / "sequence.json"
    values = json.loads(path.read_text())
    values["frames"][0]["image"] = name
    path.write_text(json.dumps(values))
    with pytest.raises(DatasetError, match="is not a file name in images/"):
        Sequence(folder)


@pytest.mark.parametrize("place", ["images/a.jpg", "masks"])
def test_link_that_leaves_the_sequence_is_refused(folder, tmp_path, place):
    (tmp_path / "secret").mkdir()
    (folder / place).symlink_to(tmp_path / "secret")
    with pytest.raises(DatasetError, match=f"{place} is a link that leads out"):
        Sequence(folder)


def test_fifo_in_the_place_of_an_image_is_refused(folder):
    sample = Sequence(folder).sample(0)
    sample.image.unlink()
    os.mkfifo(sample.image)
    with pytest.raises(DatasetError, match="FIFO, socket or device"):
        sample.read()


def test_a_dataset_has_all_its_finished_sequences(tmp_path, folder):
    assert [s.folder for s in open_sequences(tmp_path)] == [folder]
    assert [s.folder for s in open_sequences(folder)] == [folder]
    with builder(tmp_path / "half") as sequence:
        offer(sequence, 4)
    assert [s.folder for s in open_sequences(tmp_path)] == [folder]
    for place in (tmp_path / "nowhere", folder / "images"):
        with pytest.raises(DatasetError, match="jasmine prepare"):
            open_sequences(place)


def test_pixels_outside_the_scene_are_masked(tmp_path):
    seen = SEEN.copy()
    seen[:10] = False
    with builder(tmp_path / "corridor", seen=seen) as sequence:
        offer(sequence)
        sequence.finish()
    np.testing.assert_array_equal(Sequence(tmp_path / "corridor").sample(0).read().seen, seen)


def test_labels_are_attached_by_timestamp_at_both_sizes(tmp_path, folder):
    sequence = Sequence(folder)
    assert sequence.sample(0).read().classes is None
    rng = np.random.default_rng(0)
    labels, depths = tmp_path / "labels", tmp_path / "depths"
    labels.mkdir()
    depths.mkdir()
    for frame in sequence.index.frames:
        full = rng.integers(0, 19, (120, 160), np.uint8)  # size of the camera's images, letterboxed
        cv2.imwrite(str(labels / f"{frame.stamp}.png"), full)
        cv2.imwrite(
            str(depths / f"{frame.stamp}.png"), np.full((96, 160), 512 + frame.stamp % 7, np.uint16)
        )
    transform = fit((160, 120), (160, 96))
    count = len(sequence.index.frames)
    assert attach(sequence, CLASSES, labels_in(labels, CLASSES, sequence, transform)) == count
    assert attach(sequence, TEACHER, labels_in(depths, TEACHER, sequence, None)) == count
    sample = Sequence(folder).sample(2)
    loaded = sample.read()
    full = cv2.imread(str(labels / f"{sample.stamp}.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(loaded.classes)) <= set(range(19))
    x, _y, width, _ = transform.target_window
    assert (loaded.classes[:, :x] == 0).all()
    assert loaded.classes[48, x + width // 2] in full[58:63, 78:83]
    np.testing.assert_allclose(loaded.teacher, 2 + sample.stamp % 7 / 256)


def test_labels_without_an_image_are_refused_and_leave_no_files(tmp_path, folder):
    sequence = Sequence(folder)
    labels = tmp_path / "labels"
    labels.mkdir()
    before = contents(folder)
    with pytest.raises(DatasetError, match=r"name them like 1600000000"):
        attach(sequence, CLASSES, labels_in(labels, CLASSES, sequence, None))
    path = labels / f"{sequence.index.frames[3].stamp}.png"
    cv2.imwrite(str(path), np.zeros((50, 60), np.uint8))
    with pytest.raises(DatasetError, match=r"60x50 px; make labels of the 160x96 px"):
        attach(sequence, CLASSES, labels_in(labels, CLASSES, sequence, None))
    cv2.imwrite(str(path), np.zeros((96, 160), np.uint16))
    with pytest.raises(DatasetError, match="uint16; masks must be uint8"):
        attach(sequence, CLASSES, labels_in(labels, CLASSES, sequence, None))
    assert contents(folder) == before
