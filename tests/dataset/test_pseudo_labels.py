# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"  # read once, when huggingface_hub is imported

import cv2
import numpy as np
import pytest
import torch
from helpers.corridor import CAMERA, look, pose

from jasmine_core.dataset import pseudo_label_networks
from jasmine_core.dataset.pseudo_label_networks import FARTHEST, guess_depth
from jasmine_core.dataset.pseudo_labels import (
    PseudoLabeller,
    add_pseudo_labels,
    find_pseudo_labeller,
)
from jasmine_core.dataset.sequence import (
    CLASSES,
    PSEUDO_LABELS,
    SEEN,
    SKY,
    TEACHER,
    TEACHER_UNIT,
    VERSION,
    DatasetError,
    FrameRecord,
    Index,
    SampleRecord,
    image_name,
    read_image,
    read_labels,
    write_index,
)
from jasmine_core.dataset.sequences import Sequence
from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.geometry.camera import stretch
from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.resnet import SMALL_ENCODER

transformers = pytest.importorskip("transformers")
torch.set_num_threads(1)  # networks this small only wait for each other's threads

ALL = 4
NAMES = ["road", *(f"class {i}" for i in range(1, 19))]
NAMES[SKY], NAMES[13] = "sky", "car"
MEAN, DEVIATION = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]


@pytest.fixture
def sequence(tmp_path):
    """Return a sequence of four images whose upper ten rows show no scene."""
    folder = tmp_path / "drive"
    (folder / "images").mkdir(parents=True)
    frames = [FrameRecord(10**18 + i, 0, image_name(10**18 + i, "png")) for i in range(ALL)]
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / frame.image), look(pose(0.3 * i))[0])
    seen = np.full((96, 160), 255, np.uint8)
    seen[:10] = 0
    cv2.imwrite(str(folder / SEEN), seen)
    samples = [SampleRecord(i, (i - 1, i + 1), (0, 0), (0, 0), (None, None)) for i in (1, 2)]
    K = CAMERA.K.tolist()
    write_index(Index(VERSION, {}, {}, 160, 96, K, False, frames, samples), folder)
    return Sequence(folder)


@torch.no_grad()
def lively(network):
    """Initialize weights large enough for the output to depend on the image."""
    for weights in network.parameters():
        if weights.ndim > 1:
            weights.normal_(0, weights[0].numel() ** -0.5)
    return network


def mask2former(names=NAMES, seed=0):
    """Return a small Mask2Former with random weights."""
    torch.manual_seed(seed)
    small = {"feature_size": 32, "mask_feature_size": 32, "hidden_dim": 32, "num_queries": 8}
    backbone = transformers.SwinConfig(
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 2, 2],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        dim_feedforward=16,
        encoder_feedforward_dim=16,
        id2label=dict(enumerate(names)),
        **small,
    )

    class Whole(transformers.Mask2FormerPreTrainedModel):  # the published weights, without SciPy
        def __init__(self, config):
            super().__init__(config)
            self.model = transformers.Mask2FormerModel(config)
            self.class_predictor = torch.nn.Linear(32, len(names) + 1)
            self.post_init()

    network = lively(Whole(config))
    with torch.no_grad():  # queries that differ, so that more than one class is predicted
        network.class_predictor.weight.mul_(6)
        for name, weights in network.named_parameters():
            if "mask_embedder" in name:
                weights.mul_(3)
    return network


def depth_anything(seed=0, **more):
    torch.manual_seed(seed)
    backbone = transformers.Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=112,
        patch_size=14,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    sizes = {"reassemble_hidden_size": 16, "neck_hidden_sizes": [8, 8, 8, 8]}
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, fusion_hidden_size=8, head_hidden_size=4, **sizes, **more
    )
    return lively(transformers.DepthAnythingForDepthEstimation(config))


def disparity_net(**config):
    torch.manual_seed(0)
    sizes = {"height": 96, "width": 160, "encoder": SMALL_ENCODER, "decoder": (16, 8)}
    return DisparityNet(DisparityConfig(**(sizes | config))).eval()


NETWORKS = {
    "mask2former": (CLASSES, mask2former),
    "depth anything": (TEACHER, depth_anything),
    "metric depth anything": (
        TEACHER,
        lambda: depth_anything(depth_estimation_type="metric", max_depth=80),
    ),
    "disparity net": (TEACHER, disparity_net),
}


@pytest.fixture(params=NETWORKS)
def pseudo_labeller(request, tmp_path, monkeypatch):
    monkeypatch.setattr(pseudo_label_networks, "_CITYSCAPES", (160, 96))  # for speed
    kind, make = NETWORKS[request.param]
    make().save_pretrained(tmp_path / "network")
    return find_pseudo_labeller(str(tmp_path / "network"), kind)


def stored(sequence, kind):
    return {f.name: read_labels(f) for f in sorted((sequence.folder / kind).glob("*.png"))}


def test_every_network_labels_all_images_and_is_deterministic(sequence, pseudo_labeller):
    assert add_pseudo_labels(sequence, pseudo_labeller) == (ALL, [], True)
    first = stored(sequence, pseudo_labeller.kind)
    assert len(first) == ALL and not list(sequence.folder.glob(".*"))
    loaded = Sequence(sequence.folder).sample(0).read()
    if pseudo_labeller.kind == CLASSES:
        assert loaded.classes.shape == (96, 160) and loaded.classes.max() < 19
        assert len(np.unique(loaded.classes)) > 1
    else:
        assert (loaded.teacher[:10] == 0).all()  # outside the scene
        assert loaded.teacher[10:].min() > 0 and np.ptp(loaded.teacher[10:]) > 0
    shutil.rmtree(sequence.folder / pseudo_labeller.kind)
    add_pseudo_labels(sequence, PseudoLabeller(pseudo_labeller.kind, pseudo_labeller.folder))
    for name, values in stored(sequence, pseudo_labeller.kind).items():
        np.testing.assert_array_equal(values, first[name])


def test_classes_are_the_most_likely_ones_of_all_queries(sequence, tmp_path, monkeypatch):
    monkeypatch.setattr(pseudo_label_networks, "_CITYSCAPES", (160, 96))
    network = mask2former().eval()
    network.save_pretrained(tmp_path / "network")
    add_pseudo_labels(
        sequence, find_pseudo_labeller(f"mask2former:{tmp_path / 'network'}", CLASSES)
    )
    sample = Sequence(sequence.folder).sample(0)
    pixels = torch.from_numpy(read_image(sample.image)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        out = network.model((pixels - MEAN) / DEVIATION, output_hidden_states=True)
        queries = out.transformer_decoder_intermediate_states[-1][:, 0]
        classes = network.class_predictor(queries).softmax(-1)[:, :19]
        masks = out.masks_queries_logits[-1][0].sigmoid()
    scores = (classes[:, :, None, None] * masks[:, None]).sum(0)[None]
    full = torch.nn.functional.interpolate(scores, (96, 160), mode="bilinear")[0]
    expected = full.argmax(0).numpy()
    assert len(np.unique(expected)) > 1
    assert (expected == sample.read().classes).mean() > 0.999


def test_pseudo_label_of_a_disparity_net_is_its_depth(sequence, tmp_path):
    net = disparity_net()
    net.save_pretrained(tmp_path / "net")
    add_pseudo_labels(sequence, find_pseudo_labeller(str(tmp_path / "net"), TEACHER))
    sample = Sequence(sequence.folder).sample(0)
    loaded = sample.read()
    image = torch.from_numpy(loaded.target).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = net.depth(image)[0, 0].numpy()
    np.testing.assert_allclose(loaded.teacher[10:], expected[10:], atol=1 / TEACHER_UNIT)


def test_depth_of_a_canonical_focal_length_becomes_the_cameras(sequence, tmp_path):
    focal = sequence.camera.K[0, 0]
    sizes = {"height": 96, "width": 160, "head": "log_depth"}
    net = disparity_net(**sizes, canonical_focal=focal / 2)
    net.save_pretrained(tmp_path / "net")
    add_pseudo_labels(sequence, find_pseudo_labeller(str(tmp_path / "net"), TEACHER))
    loaded = Sequence(sequence.folder).sample(0).read()
    image = torch.from_numpy(loaded.target).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = 2 * net.depth(image)[0, 0].numpy()
    np.testing.assert_allclose(loaded.teacher[10:], expected[10:], atol=1 / TEACHER_UNIT)


def test_labels_have_the_size_of_the_images_for_a_network_of_another_size(sequence, tmp_path):
    disparity_net(height=64, width=96).save_pretrained(tmp_path / "net")
    assert (
        add_pseudo_labels(sequence, find_pseudo_labeller(str(tmp_path / "net"), TEACHER)).labels
        == ALL
    )
    assert Sequence(sequence.folder).sample(0).read().teacher.shape == (96, 160)


def test_metric_depth_is_divided_by_30_m_and_relative_depth_is_normalized(sequence, tmp_path):
    metric = depth_anything(depth_estimation_type="metric", max_depth=80).eval()
    metric.save_pretrained(tmp_path / "metric")
    pseudo_labeller = find_pseudo_labeller(str(tmp_path / "metric"), TEACHER)
    add_pseudo_labels(sequence, pseudo_labeller)
    sample = Sequence(sequence.folder).sample(0)
    assert not sample.relative
    small = stretch((160, 96), (140, 84)).image(read_image(sample.image))
    pixels = (torch.from_numpy(small).permute(2, 0, 1)[None] / 255 - MEAN) / DEVIATION
    with torch.no_grad():
        metres = metric(pixels).predicted_depth[0].numpy()
    expected = stretch((140, 84), (160, 96)).map(metres)[10:] / 30
    np.testing.assert_allclose(sample.read().teacher[10:], expected, atol=1 / TEACHER_UNIT)
    depth_anything().save_pretrained(tmp_path / "relative")
    add_pseudo_labels(
        sequence, find_pseudo_labeller(f"depth-anything:{tmp_path / 'relative'}", TEACHER)
    )
    sample = Sequence(sequence.folder).sample(0)
    assert sample.relative
    teacher = sample.read().teacher[10:]
    step = 1 / TEACHER_UNIT
    assert abs(teacher.min() - 0.1) < step and abs(teacher.max() - FARTHEST) < step
    assert 0.01 < (teacher == teacher.min()).mean() < 0.04  # two percent are clipped


def test_normalized_depth_ignores_scale_shift_and_pixels_outside_the_scene():
    rng = np.random.default_rng(0)
    inverse_depth, seen = rng.uniform(1, 9, (40, 50)).astype(np.float32), np.ones((40, 50), bool)
    found = guess_depth(inverse_depth, seen)
    assert (np.diff(found.ravel()[inverse_depth.ravel().argsort()]) <= 0).all()
    np.testing.assert_allclose(guess_depth(7 * inverse_depth + 3, seen), found, rtol=1e-3)
    seen[:10] = False
    inverse_depth[:10] = 1e4
    assert np.ptp(guess_depth(inverse_depth, seen)[10:]) > 2
    with pytest.raises(FrameError, match="the same depth everywhere"):
        guess_depth(np.ones((40, 50), np.float32), seen)


def test_a_stopped_run_continues_with_the_next_image(sequence, pseudo_labeller):
    asked = []
    done = add_pseudo_labels(
        sequence, pseudo_labeller, stop=lambda: asked.append(0) or len(asked) > 2
    )
    assert done == (2, [], False)
    assert not (sequence.folder / pseudo_labeller.kind).exists()
    waiting = sequence.folder / f".{pseudo_labeller.kind}.unfinished"
    before = {f: f.stat().st_mtime_ns for f in waiting.glob("*.png")}
    assert len(before) == 2
    (waiting / ".1.partial-1.png").touch()  # left by a killed process
    assert add_pseudo_labels(sequence, pseudo_labeller) == (ALL, [], True)
    target = sequence.folder / pseudo_labeller.kind
    assert {waiting / f.name: f.stat().st_mtime_ns for f in target.glob("*.png")}.items() >= (
        before.items()
    )
    assert {f.suffix for f in target.iterdir()} == {".png", ".json"}


def test_labels_are_kept_and_replaced_only_by_another_network(sequence, tmp_path):
    places = [tmp_path / "a", tmp_path / "b"]
    for i, place in enumerate(places):
        depth_anything(seed=i, depth_estimation_type="metric").save_pretrained(place)
    first, second = (find_pseudo_labeller(str(place), TEACHER) for place in places)
    add_pseudo_labels(sequence, first)
    a = stored(sequence, TEACHER)
    damaged = sequence.folder / sequence.index.frames[2].image
    damaged.write_bytes(b"")  # its label exists, so it is not read again
    assert add_pseudo_labels(sequence, PseudoLabeller(TEACHER, places[0])) == (ALL, [], True)
    assert not PseudoLabeller(TEACHER, places[0]).__dict__.get("network")
    done = add_pseudo_labels(sequence, second)
    assert (done.labels, len(done.refused), done.finished) == (ALL - 1, 1, True)
    b = stored(sequence, TEACHER)
    assert len(b) == ALL - 1 and all((a[name] != b[name]).any() for name in b)


def test_a_damaged_image_has_no_label_and_all_damaged_is_an_error(sequence, pseudo_labeller):
    images = [sequence.folder / frame.image for frame in sequence.index.frames]
    whole = images[1].read_bytes()
    images[1].write_bytes(whole[:100])
    done = add_pseudo_labels(sequence, pseudo_labeller)
    assert done.labels == ALL - 1 and done.finished
    assert len(done.refused) == 1 and images[1].name in done.refused[0]
    images[1].write_bytes(whole)  # repaired: the next run adds the missing label
    assert add_pseudo_labels(sequence, pseudo_labeller) == (ALL, [], True)
    shutil.rmtree(sequence.folder / pseudo_labeller.kind)
    for image in images:
        image.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="no image of"):
        add_pseudo_labels(sequence, pseudo_labeller)
    assert not (sequence.folder / pseudo_labeller.kind).exists()


def refused(place, kind, words, **more):
    with pytest.raises(CheckpointError, match=words):
        find_pseudo_labeller(str(place), kind, **more)


def test_errors_of_unknown_networks_name_the_remedy(tmp_path):
    refused("mask2former", CLASSES, "--allow-download")
    refused("depth-anything", TEACHER, r"Small-hf is not a folder.*--allow-download")
    refused("depth-anything:some/model", TEACHER, r"some/model is not a folder.*--allow-download")
    refused("mask2former:a/b", CLASSES, "could not be fetched", allow_download=True)  # offline
    refused(tmp_path / "typo", CLASSES, r"typo is not a folder.*mask2former\[:ID_OR_DIR\]")
    refused("depth-anything", CLASSES, "not a folder")
    refused(tmp_path, TEACHER, "config.json is missing")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    refused(tmp_path, TEACHER, "'bert'; the type for teacher must be 'depth_anything' or 'dispar")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "mask2former"}))
    refused(tmp_path, TEACHER, "type 'mask2former'")


def test_missing_transformers_names_the_extra(tmp_path, monkeypatch):
    depth_anything().save_pretrained(tmp_path / "a")
    disparity_net().save_pretrained(tmp_path / "b")
    monkeypatch.setitem(sys.modules, "transformers", None)
    refused(tmp_path / "a", TEACHER, r"needs transformers; pip install 'jasmine_ros\[convert\]'")
    assert find_pseudo_labeller(str(tmp_path / "b"), TEACHER)


def test_damaged_networks_and_networks_with_other_classes_are_refused(sequence, tmp_path):
    def fails(kind, words):
        with pytest.raises(CheckpointError, match=words):
            add_pseudo_labels(sequence, find_pseudo_labeller(str(tmp_path / "n"), kind))
        assert not (sequence.folder / kind).exists()

    mask2former(names=[f"thing {i}" for i in range(150)]).save_pretrained(tmp_path / "n")
    fails(CLASSES, "does not have Cityscapes' 19 training classes")
    shutil.rmtree(tmp_path / "n")
    depth_anything().save_pretrained(tmp_path / "n")
    weights = tmp_path / "n" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-64])
    fails(TEACHER, "cannot be loaded")
    weights.unlink()
    fails(TEACHER, "cannot be loaded")
    weights.write_bytes(whole)
    kept = {k: v for k, v in depth_anything().state_dict().items() if k != "head.conv1.bias"}
    depth_anything().save_pretrained(tmp_path / "n", state_dict=kept)
    fails(TEACHER, "lacks head.conv1.bias")


def test_the_mark_depends_on_the_network_and_not_on_its_folder(sequence, tmp_path):
    disparity_net().save_pretrained(tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    add_pseudo_labels(sequence, find_pseudo_labeller(str(tmp_path / "a"), TEACHER))
    mark = (sequence.folder / TEACHER / PSEUDO_LABELS).read_text()
    assert mark == find_pseudo_labeller(str(tmp_path / "b"), TEACHER).mark
    assert json.loads(mark)["network"] == "disparity net"
