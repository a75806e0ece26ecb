# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.camera_bags import KINDS, ROS1, several, write_bag
from helpers.corridor import CAMERA, look, pose
from helpers.raw_mcap import chunk, described, messages, ros2_channel, serialised, write_mcap
from rosbags.typesys import get_types_from_msg

from jasmine_core.dataset.sequence import DatasetError
from jasmine_core.dataset.sequences import Sequence, open_sequences
from jasmine_core.errors import BagError, ConfigError, JasmineError
from jasmine_core.geometry.rigid import inverse, rigid, to_numbers
from jasmine_core.interrupt import INTERRUPTED
from jasmine_core.outputs import MARKER
from jasmine_core.prepare.options import PrepareOptions
from jasmine_ros.bags.to_sequence import Interrupted, Job, prepare_bag
from jasmine_ros.commands.console import console_log
from jasmine_ros.commands.prepare import PrepareRequest, prepare

# ROS 1 keeps this type outside its core messages.
ROS1.register(
    get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage")
)

START = 1_600_000_000_000_000_000
STEP = 100_000_000  # [ns]
OPTIONS = PrepareOptions(width=160, height=96)
IMAGE, INFO = "/camera/image_rect", "/camera/camera_info"
DRIVE = [pose(0.25 * i, yaw=0.01 * i) for i in range(24)]
# The camera looks forward from 0.4 m ahead of the base and 0.2 m to its left.
T_BASE_CAMERA = rigid([[0, 0, 1], [-1, 0, 0], [0, -1, 0]], [0.4, 0.2, 0])


def stamp(i):
    return START + round(i * STEP)


def images(poses, topic=IMAGE, camera=CAMERA, info=INFO, stamps=None, gain=1.0):
    def fill(bag):
        for i, T in enumerate(poses):
            at = stamp(i)
            header = bag.header(at if stamps is None else stamps[i])
            if info:
                P = np.column_stack([camera.K, np.zeros(3)])
                bag.info(at, info, width=camera.width, height=camera.height, k=camera.K, p=P)
            bag.image(at, look(T, gain=gain)[0], topic, header=header)

    return fill


def transform(bag, kind, T, **more):
    x, y, z, qx, qy, qz, qw = to_numbers(T)
    make = bag.messages.make
    name = "Transform" if kind == "transform" else "Pose"
    place = "translation" if kind == "transform" else "position"
    turn = "rotation" if kind == "transform" else "orientation"
    point = "Vector3" if kind == "transform" else "Point"
    return make(
        f"geometry_msgs/msg/{name}",
        **{
            place: make(f"geometry_msgs/msg/{point}", x=x, y=y, z=z),
            turn: make("geometry_msgs/msg/Quaternion", x=qx, y=qy, z=qz, w=qw),
        },
    )


def odometry(poses, offset=0, topic="/odom", child="base_link"):
    """Record the pose of the base; `poses` are those of the camera."""

    def fill(bag):
        for i, T in enumerate(poses):
            base = transform(bag, "pose", T @ inverse(T_BASE_CAMERA))
            message = bag.messages.make(
                "nav_msgs/msg/Odometry",
                header=bag.header(stamp(i) + offset, "odom"),
                child_frame_id=child,
                pose=bag.messages.make("geometry_msgs/msg/PoseWithCovariance", pose=base),
            )
            bag.write(topic, "nav_msgs/msg/Odometry", stamp(i), message)

    return fill


def extrinsics(T=T_BASE_CAMERA, topic="/tf_static", camera="camera_optical_frame"):
    mast = rigid(np.eye(3), [0.1, 0, 0.5])

    def fill(bag):
        chain = [("base_link", "mast", mast), ("mast", camera, inverse(mast) @ T)]
        stamped = [
            bag.messages.make(
                "geometry_msgs/msg/TransformStamped",
                header=bag.header(START, parent),
                child_frame_id=child,
                transform=transform(bag, "transform", step),
            )
            for parent, child, step in chain
        ]
        message = bag.messages.make("tf2_msgs/msg/TFMessage", transforms=stamped)
        bag.write(topic, "tf2_msgs/msg/TFMessage", START, message)

    return fill


def bag_of(path, *fills, kind="mcap"):
    return write_bag(path, several(fills), kind)


def run(bag, folder, **more):
    return prepare_bag(Job(bag, folder, OPTIONS, **more))


def prepare_all(bags, output, options=OPTIONS, **more):
    with console_log():
        return prepare(PrepareRequest(tuple(bags), output, options=options, **more))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize("kind", KINDS)
def test_a_bag_of_any_kind_becomes_metric_samples(tmp_path, kind):
    bag = bag_of(tmp_path / "drive", extrinsics(), odometry(DRIVE), images(DRIVE), kind=kind)
    outcome = run(bag, tmp_path / "out" / "drive")
    assert outcome.health["odometry"]["problem"] is None
    assert outcome.health["odometry"]["pairs_checked_against_images"] >= 3
    sequence = Sequence(tmp_path / "out" / "drive")
    assert sequence.metric and len(sequence) == len(DRIVE) - 2
    for i in range(len(sequence)):
        sample = sequence.sample(i)
        number = (sample.stamp - START) // STEP
        for source in sample.sources:
            other = (source.stamp - START) // STEP
            expected = inverse(DRIVE[number]) @ DRIVE[other]
            np.testing.assert_allclose(source.T_target_source, expected, atol=1e-6)
    names = {f.name for f in sequence.folder.iterdir()}
    files = {"frames.jsonl", "health.json", "report.html", "report.png", "sequence.json", MARKER}
    assert names == {"images", *files}


def test_without_odometry_neighbours_are_chosen_by_optical_flow(tmp_path):
    bag = bag_of(tmp_path / "drive", images(DRIVE))
    outcome = run(bag, tmp_path / "drive_out")
    assert outcome.samples > 15
    assert not outcome.health["metric_scale_can_be_learned"]
    assert Sequence(tmp_path / "drive_out").sample(0).sources[0].distance is None


def test_a_distorted_image_is_rectified_and_k_follows(tmp_path):
    D = np.array([-0.2, 0.05, 0, 0, 0])

    def fill(bag):
        u, v = np.meshgrid(np.arange(160), np.arange(96))
        pixels = np.stack([u, v], -1).reshape(-1, 1, 2).astype(np.float32)
        rays = cv2.undistortPoints(pixels, CAMERA.K, D).reshape(96, 160, 2)
        x, y = (np.float32(rays[..., i] * CAMERA.K[i, i] + CAMERA.K[i, 2]) for i in range(2))
        for i, T in enumerate(DRIVE[:8]):
            P = np.column_stack([CAMERA.K, np.zeros(3)])
            bag.info(stamp(i), INFO, width=160, height=96, k=CAMERA.K, p=P, d=D)
            raw = cv2.remap(look(T)[0], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            bag.image(stamp(i), raw, "/camera/image_raw")

    outcome = run(bag_of(tmp_path / "bag", fill), tmp_path / "out")
    sample = Sequence(outcome.folder).sample(2)
    loaded = sample.read()
    ground_truth = look(DRIVE[(sample.stamp - START) // STEP])[0]
    inner = np.s_[20:76, 30:130]
    assert np.abs(loaded.target.astype(int) - ground_truth)[inner].mean() < 12
    assert loaded.seen is None or loaded.seen[inner].all()


def test_fixed_transforms_that_a_ros_1_robot_repeats_are_found(tmp_path):
    bag = bag_of(
        tmp_path / "drive", extrinsics(topic="/tf"), odometry(DRIVE), images(DRIVE), kind="ros1"
    )
    assert run(bag, tmp_path / "out").health["metric_scale_can_be_learned"]


BROKEN = {
    "no_transform": ([odometry(DRIVE)], "no transform from 'base_link'"),
    "contradicts_images: wrong axes": (
        [odometry(DRIVE), extrinsics(rigid(np.eye(3), [0, 0, 0]))],
        "does not explain",
    ),
    "contradicts_images: backwards": (
        [odometry([pose(-0.25 * i) for i in range(24)]), extrinsics()],
        "does not explain",
    ),
    "jumps": (
        [odometry([pose(0.25 * i + 9 * (i // 6)) for i in range(24)]), extrinsics()],
        "jumps 3 times",
    ),
    "too_few_samples": ([odometry(DRIVE[:1]), extrinsics()], "it has 1 usable samples"),
    "other_clock: later": ([odometry(DRIVE, offset=10**15), extrinsics()], "s before its first"),
    "other_clock: since boot": ([odometry(DRIVE, offset=5 - START), extrinsics()], "another clock"),
    "incomplete": ([odometry(DRIVE[:8]), extrinsics()], "less than half"),
    "not_checked": ([odometry([DRIVE[0]] * 24), extrinsics()], "at 0 places only"),
}


@pytest.mark.parametrize("at", [0, START - 10**15, START + 10**15])
@pytest.mark.parametrize("is_image", [False, True])
def test_wrong_odometry_is_found_although_a_stray_message_is_recorded(tmp_path, at, is_image):
    fills, _ = BROKEN["contradicts_images: wrong axes"]

    def stray(bag):
        if is_image:
            bag.image(stamp(-1), look(DRIVE[0])[0], IMAGE, log=at)
        else:
            bag.string(at, "stray")

    outcome = run(bag_of(tmp_path / "bag", stray, *fills, images(DRIVE)), tmp_path / "out")
    assert outcome.health["odometry"]["problem"] == "contradicts_images"
    assert outcome.health["odometry"]["pairs_checked_against_images"] >= 3


@pytest.mark.parametrize("topic", [INFO, "/odom", "/tf_static"])
def test_damaged_messages_are_skipped_and_counted(tmp_path, topic):
    kinds = {
        INFO: "sensor_msgs/msg/CameraInfo",
        "/odom": "nav_msgs/msg/Odometry",
        "/tf_static": "tf2_msgs/msg/TFMessage",
    }
    fills = [extrinsics(), odometry(DRIVE), images(DRIVE)]
    made = [m for fill in fills for m in serialised(fill)]
    damaged = [(topic, stamp(i), b"\0\1\0\0cut") for i in (0, 3)]
    channels = [ros2_channel(name, kind) for name, kind in kinds.items()]
    channels.append(ros2_channel(IMAGE, "sensor_msgs/msg/Image"))
    body = chunk(described(channels) + messages(channels, [*damaged, *made]))
    outcome = run(write_mcap(tmp_path / "in.mcap", body), tmp_path / "out")
    assert outcome.health["metric_scale_can_be_learned"]
    assert outcome.health["damaged_messages"][topic]["count"] == 2
    assert any(f"2 messages on {topic}" in f["text"] for f in outcome.health["findings"])


@pytest.mark.parametrize("name", BROKEN)
def test_wrong_odometry_is_reported_and_gives_no_metric_scale(tmp_path, name):
    fills, reason = BROKEN[name]
    outcome = run(bag_of(tmp_path / "bag", *fills, images(DRIVE)), tmp_path / "out")
    assert not outcome.health["metric_scale_can_be_learned"]
    assert any(reason in f["text"] for f in outcome.health["findings"])
    assert outcome.health["odometry"]["problem"] == name.partition(":")[0]
    assert not Sequence(outcome.folder).metric
    assert outcome.samples > 15  # Images without odometry are used, too.


BAD = {
    "no camera": ([odometry(DRIVE)], "no camera topic"),
    "no camera_info": ([images(DRIVE[:4], info=None)], "no CameraInfo beside"),
    "two cameras": (
        [images(DRIVE[:4]), images(DRIVE[:4], topic="/rear/image", info="/rear/camera_info")],
        "choose one with --image: /camera/image_rect, /rear/image",
    ),
    "standing still": ([images([pose()] * 12)], "does not move in 11 of 12"),
    "turning on the spot": (
        [images([pose(yaw=0.03 * i) for i in range(12)])],
        "camera only rotates",
    ),
    "one image": ([images(DRIVE[:1])], "one after it, but the recording has only 1"),
    "a clock that runs backwards": (
        [images(DRIVE, stamps=[stamp(24 - i) for i in range(24)])],
        "the timestamps of 23 of 24 images are out of order",
    ),
    "another size": (
        [images(DRIVE[:6], camera=type(CAMERA)(320, 192, CAMERA.K))],
        "image is 160x96 px but its CameraInfo on /camera/camera_info says 320x192 px",
    ),
    "two odometries": (
        [images(DRIVE[:4]), odometry(DRIVE, topic="/a"), odometry(DRIVE, topic="/b")],
        "choose one with --odometry: /a, /b",
    ),
    "zoom": (
        [
            images(DRIVE[:4]),
            lambda bag: bag.info(
                stamp(9),
                INFO,
                width=160,
                height=96,
                k=CAMERA.K + np.diag([50, 50, 0]),
                p=[0.0] * 12,
            ),
        ],
        "changes 0.9 s after the first image",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_one_line_and_no_partial_output(tmp_path, capsys, name):
    fills, words = BAD[name]
    bag = bag_of(tmp_path / "bag", *fills)
    assert prepare_all([bag], tmp_path / "out") == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and words in error[0]
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_few_images_out_of_order_are_dropped_and_counted(tmp_path):
    stamps = [stamp(i) for i in range(24)]
    stamps[10] = stamp(8.5)
    outcome = run(bag_of(tmp_path / "bag", images(DRIVE, stamps=stamps)), tmp_path / "out")
    assert outcome.health["images"]["out_of_order"] == 1
    assert outcome.samples > 15


@pytest.mark.parametrize("faulty", [0, 10, 23])
def test_an_image_that_is_stamped_years_ahead_is_dropped_alone(tmp_path, faulty):
    stamps = [stamp(i) for i in range(24)]
    stamps[faulty] += 10**17
    outcome = run(bag_of(tmp_path / "bag", images(DRIVE, stamps=stamps)), tmp_path / "out")
    kept = [frame.stamp for frame in Sequence(outcome.folder).index.frames]
    assert outcome.samples > 15 and kept == sorted(kept)
    if faulty < 23:  # nothing follows the last image, which begins another segment
        assert outcome.health["images"]["out_of_order"] == 1
        assert stamps[faulty] not in kept


def test_ten_minutes_without_motion_need_no_space(tmp_path):
    def fill(bag):
        still = look(DRIVE[0])[0]
        for i in range(320):
            bag.image(START + i * 1_900_000_000, still, IMAGE)
        for i, T in enumerate(DRIVE):
            bag.image(START + 608_000_000_000 + i * STEP, look(T)[0], IMAGE)
        P = np.column_stack([CAMERA.K, np.zeros(3)])
        bag.info(START, INFO, width=160, height=96, k=CAMERA.K, p=P)

    outcome = run(bag_of(tmp_path / "bag", fill), tmp_path / "out")
    assert outcome.health["still"]["seconds"] > 590
    assert outcome.health["images"]["stored"] <= len(DRIVE)
    assert any("stood still for" in f["text"] for f in outcome.health["findings"])


def test_finished_bags_are_skipped_and_other_options_are_refused(tmp_path, capsys):
    bag = bag_of(tmp_path / "drive", images(DRIVE[:8]))
    out = tmp_path / "out"
    assert prepare_all([bag], out) == 0
    before = contents(out)
    assert prepare_all([bag], out) == 0
    assert "already finished" in capsys.readouterr().out
    other = PrepareOptions(width=192, height=96)
    assert prepare_all([bag], out, other) == 1
    assert "width 160 is now 192" in capsys.readouterr().err
    assert contents(out) == before
    assert prepare_all([bag], out, other, overwrite=True) == 0
    assert Sequence(out / "drive").camera.size == (192, 96)
    assert [f.name for f in out.iterdir()] == ["drive"]


def test_a_limit_selects_the_first_images(tmp_path):
    bag = bag_of(tmp_path / "in", extrinsics(), odometry(DRIVE), images(DRIVE))
    limited = PrepareOptions(width=160, height=96, limit=10)
    outcome = prepare_bag(Job(bag, tmp_path / "some", limited))
    prepare_bag(Job(bag, tmp_path / "all", OPTIONS))
    assert outcome.received == 10
    some, whole = (Sequence(tmp_path / name).index for name in ("some", "all"))
    assert 0 < len(some.frames) < len(whole.frames)
    assert max(f.stamp for f in some.frames) <= stamp(9)
    with pytest.raises(ConfigError, match="limit -1"):
        PrepareOptions(limit=-1)


def test_an_interrupted_run_leaves_no_folder_and_the_next_run_continues(tmp_path):
    bag = bag_of(tmp_path / "drive", extrinsics(), odometry(DRIVE), images(DRIVE))
    run(bag, tmp_path / "whole" / "drive")
    folder = tmp_path / "out" / "drive"
    counts = []
    for limit in (7, 9):
        asked = []
        with pytest.raises(Interrupted):
            prepare_bag(
                Job(bag, folder, OPTIONS),
                progress=lambda done, total: counts.append((done, total)),
                stop=lambda asked=asked, limit=limit: asked.append(0) or len(asked) > limit,
            )
        assert not folder.exists()
    run(bag, folder)
    assert counts[-1][0] > 7 and counts[-1][1] == len(DRIVE)
    assert contents(folder) == contents(tmp_path / "whole" / "drive")


COMMAND = """
import sys
from pathlib import Path
from jasmine_core.prepare.options import PrepareOptions
from jasmine_ros.commands.console import console_log
from jasmine_ros.commands.prepare import PrepareRequest, prepare
bags = tuple(Path(b) for b in sys.argv[3:])
options = PrepareOptions(width=160, height=96)
request = PrepareRequest(bags, Path(sys.argv[1]), workers=int(sys.argv[2]), options=options)
with console_log():
    sys.exit(prepare(request))
"""


def start(out, workers, *bags):
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(out), str(workers), *map(str, bags)],
        env=os.environ | {"PYTHONPATH": root},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_images(out, count, process):
    deadline = time.monotonic() + 60
    while len(list(out.glob(".*.unfinished/images/*"))) < count:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)


LONG = [pose(0.1 * i) for i in range(60)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    bags = [bag_of(folder / name, images(LONG)) for name in ("a", "b")]
    assert prepare_all(bags, folder / "out") == 0
    return bags, contents(folder / "out")


@pytest.mark.parametrize(
    ("workers", "fault"),
    [
        (1, signal.SIGKILL),
        (1, signal.SIGINT),
        (2, signal.SIGKILL),
        (2, signal.SIGINT),
        (2, signal.SIGTERM),
    ],
)
def test_a_run_that_was_ended_by_a_signal_is_continued(tmp_path, undisturbed, workers, fault):
    bags, expected = undisturbed
    out = tmp_path / "out"
    process = start(out, workers, *bags)
    wait_for_images(out, 4, process)
    if fault is signal.SIGINT:
        os.killpg(process.pid, fault)  # as a terminal does on Ctrl-C
    else:
        os.kill(process.pid, fault)
    _, errors = process.communicate(timeout=30)  # also the orphans of a killed parent end
    if fault is not signal.SIGKILL:
        assert process.returncode == INTERRUPTED
        assert "the same command continues from here" in errors
        assert "Traceback" not in errors
    assert not (out / "b").exists()
    assert prepare_all(bags, out) == 0
    assert contents(out) == expected


def test_several_bags_are_prepared_in_parallel_although_one_fails(tmp_path):
    good = [bag_of(tmp_path / name, images(DRIVE)) for name in ("a", "b", "c")]
    bad = bag_of(tmp_path / "still", images([pose()] * 5))
    process = start(tmp_path / "out", 3, good[0], bad, *good[1:])
    lines, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert errors.count("error: ") == 1 and "does not move" in errors
    assert [s.folder.name for s in open_sequences(tmp_path / "out")] == ["a", "b", "c"]
    assert lines.count("samples from 24 images") == 3


def test_shards_of_a_folder_prepare_what_one_machine_does(tmp_path):
    for place in ("north", "south"):
        (tmp_path / "fleet" / place).mkdir(parents=True)
        bag_of(tmp_path / "fleet" / place / "drive", images(DRIVE[:6]))
    shards = {}
    for shard in ("1/1", "1/2", "2/2"):
        out = tmp_path / shard.replace("/", "of")
        assert prepare_all([tmp_path / "fleet"], out, shard=shard) == 0
        shards[shard] = contents(out)
    assert {name.split("/")[0] for name in shards["1/1"]} == {"north-drive", "south-drive"}
    assert {name.split("/")[0] for name in shards["2/2"]} == {"south-drive"}
    assert shards["1/1"] == shards["1/2"] | shards["2/2"]


def test_bag_in_the_place_of_its_own_sequence_is_kept(tmp_path):
    bag = bag_of(tmp_path / "drive", images(DRIVE))
    before = contents(bag)
    with pytest.raises(JasmineError, match="would be replaced by the results"):
        run(bag, bag, overwrite=True)
    assert contents(bag) == before


def test_files_of_the_user_in_a_sequence_are_kept(tmp_path):
    bag = bag_of(tmp_path / "drive", images(DRIVE[:8]))
    folder = run(bag, tmp_path / "out").folder
    (folder / "notes.txt").write_text("precious")
    with pytest.raises(JasmineError, match=r"notes\.txt is in the place of a result"):
        run(bag, tmp_path / "out", overwrite=True)
    (folder / "notes.txt").unlink()
    assert run(bag, tmp_path / "out", overwrite=True) is not None


def test_a_sequence_of_an_older_format_is_prepared_again_after_it_was_moved_away(tmp_path):
    bag = bag_of(tmp_path / "drive", images(DRIVE[:8]))
    folder = run(bag, tmp_path / "out").folder
    index = folder / "sequence.json"
    index.write_text(index.read_text().replace('"version": 2', '"version": 1'))
    (folder / MARKER).unlink()  # version 1 had none
    with pytest.raises(DatasetError, match=f"version 2; move {folder} away, and repeat"):
        run(bag, folder)
    folder.rename(tmp_path / "old")
    assert run(bag, folder) is not None
    assert Sequence(folder).camera.size == (160, 96)


def test_labels_can_be_attached_later(tmp_path):
    bag = bag_of(tmp_path / "drive", images(DRIVE[:8]))
    outcome = run(bag, tmp_path / "out")
    masks = tmp_path / "masks"
    masks.mkdir()
    for frame in Sequence(outcome.folder).index.frames:
        cv2.imwrite(str(masks / f"{frame.stamp}.png"), np.full((96, 160), 13, np.uint8))
    assert run(bag, tmp_path / "out", masks=masks) is None
    assert (Sequence(outcome.folder).sample(0).read().classes == 13).all()


def test_a_disparity_net_labels_what_was_prepared(tmp_path, capsys):
    from jasmine_core.model.disparity_net import SMALL_DISPARITY_NET, DisparityNet

    DisparityNet(SMALL_DISPARITY_NET).save_pretrained(tmp_path / "net")
    bags = [bag_of(tmp_path / name, images(DRIVE[:4])) for name in ("a", "b")]
    still = bag_of(tmp_path / "still", images([pose()] * 5))
    net, out = str(tmp_path / "net"), tmp_path / "out"
    assert prepare_all([*bags, still], out, teacher=net, workers=2) == 1
    assert capsys.readouterr().out.count("teacher: 4 labels") == 2
    before = contents(out)
    for sequence in open_sequences(out):
        assert (sequence.sample(0).read().teacher > 0).all()
    assert prepare_all(bags, out, teacher=net) == 0
    assert contents(out) == before
    with pytest.raises(JasmineError, match="--allow-download"):
        prepare_all(bags, out, masks="mask2former")
    with pytest.raises(JasmineError, match="the type for masks must be 'mask2former'"):
        prepare_all(bags, out, masks=net)


def test_bags_of_one_name_are_refused(tmp_path):
    for place in ("monday", "tuesday"):
        (tmp_path / place).mkdir()
    bags = [
        bag_of(tmp_path / place / "drive", images(DRIVE[:3])) for place in ("monday", "tuesday")
    ]
    with pytest.raises(ConfigError, match="would both become"):
        prepare_all(bags, tmp_path / "out")


def test_invalid_requests_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no recording"):
        prepare_all([], tmp_path)
    with pytest.raises(ConfigError, match="size 1000000x64 px is too large"):
        PrepareOptions(width=1_000_000, height=64)
    with pytest.raises(ConfigError, match="--workers is 0"):
        prepare_all([tmp_path], tmp_path, workers=0)
    bag = bag_of(tmp_path / "drive", images(DRIVE[:3]))
    with pytest.raises(BagError, match="nowhere does not exist"):
        prepare_all([bag, tmp_path / "nowhere"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "note").mkdir()
    for job, words in (
        ({"odometry": "/wheels"}, "--odometry can be: none"),
        ({"image": "/other"}, "--image can be: /camera/image_rect"),
    ):
        with pytest.raises(BagError, match=words):
            run(bag, tmp_path / "out", **job)
    with pytest.raises(JasmineError, match="is not a sequence"):
        run(bag, tmp_path / "note")


@pytest.mark.parametrize(
    ("encoding", "added"), [("mono16", ""), ("16UC1", "; 16UC1 taken as grey values, not depth")]
)
def test_the_range_of_16_bit_images_is_stored_and_shown(tmp_path, encoding, added):
    def fill(bag):
        for i, T in enumerate(DRIVE):
            at = stamp(i)
            grey = cv2.cvtColor(look(T)[0], cv2.COLOR_RGB2GRAY)
            deep = (grey.astype(np.uint16) << 4).reshape(-1).view(np.uint8)
            bag.info(at, INFO, width=CAMERA.width, height=CAMERA.height, k=CAMERA.K)
            bag.image(at, look(T)[0], IMAGE, encoding=encoding, step=2 * CAMERA.width, data=deep)

    outcome = prepare_bag(Job(bag_of(tmp_path / "bag", fill), tmp_path / "sequence", OPTIONS))
    expected = f"12 of 16 bits (found){added}, 0 to 4095 become 0 to 255"
    assert Sequence(tmp_path / "sequence").index.input_facts["input_values"] == expected
    assert outcome.health["input"]["input_values"] == expected
    assert any(expected in f["text"] for f in outcome.health["findings"])
    assert outcome.health["exposure"]["too_dark_share"] == 0
