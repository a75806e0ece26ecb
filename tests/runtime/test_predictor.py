# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Predictor with images of any size: with the smallest real network, and with a simple one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import jasmine_core
from jasmine_core import DepthPredictor, JasmineModel
from jasmine_core.errors import CheckpointError, ConfigError, FrameError
from jasmine_core.geometry.camera import Camera, crop, fit, stretch
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock
from jasmine_core.runtime.backend_torch import TorchBackend
from jasmine_core.runtime.predictor import confidence_of

STAGES = ["preprocess", "encode", "denoise", "decode", "refine", "postprocess"]
SIZES = [(1242, 375), (640, 480), (480, 640), (37, 53), (129, 65), (64, 64), (1, 1), (30, 120)]
RESIZES = ["fit", "stretch", "crop"]

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def backend(checkpoint) -> TorchBackend:
    return TorchBackend.load(str(checkpoint), "cpu", "fp32")


def pixels(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


class EchoBackend:
    """Backend that returns the image: red as ssi and last depth, green as the depth before it."""

    info = BackendInfo("echo", "cpu", "fp32", "returns the image", (128, 64), 2.5)

    def __call__(self, image: np.ndarray) -> NetworkMaps:
        self.seen = image
        red, green, _ = image
        return NetworkMaps(red, np.stack([green, red]), {"look": 0.5})


# ---------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_maps_have_the_size_of_the_camera_image(backend, resize, width, height):
    predictor = DepthPredictor(backend, resize)
    image = pixels(width, height)
    before = image.copy()
    prediction = predictor(image)
    np.testing.assert_array_equal(image, before)  # the image of the caller is unchanged

    maps = (prediction.depth, prediction.ssi, prediction.confidence)
    for values in maps:
        assert values.shape == (height, width) and values.dtype == np.float32
    assert all(side % 64 == 0 and side > 0 for side in prediction.network_size)

    # Depth is known everywhere, except outside of a crop.
    seen = np.zeros((height, width), bool)
    seen[predictor.transform((width, height)).source_window.slices] = True
    for values in maps:
        np.testing.assert_array_equal(np.isfinite(values), seen)
    assert seen.all() or resize == "crop"
    assert np.nanmin(prediction.depth) >= 0 and np.nanmax(prediction.depth) <= 3
    for values in maps[1:]:
        assert np.nanmin(values) >= 0 and np.nanmax(values) <= 1

    camera = Camera(width, height, np.array([[50.0, 0, 7], [0, 60, 5], [0, 0, 1]]))
    np.testing.assert_array_equal(prediction.transform.camera(camera).K, camera.K)


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(("width", "height"), SIZES[:5])
def test_maps_at_network_resolution_have_no_margins(backend, resize, width, height):
    predictor = DepthPredictor(backend, resize, "network")
    prediction = predictor(pixels(width, height))
    to_network = predictor.transform((width, height))
    window = to_network.target_window
    for values in (prediction.depth, prediction.ssi, prediction.confidence):
        assert values.shape == (window.height, window.width)
        assert np.isfinite(values).all()
    # The camera of these maps is that of the network's image, shifted by the margin.
    camera = Camera(width, height, np.array([[50.0, 0, 7], [0, 60, 5], [0, 0, 1]]))
    moved = to_network.camera(camera).K - [[0, 0, window.x], [0, 0, window.y], [0, 0, 0]]
    published = prediction.transform.camera(camera)
    assert published.size == (window.width, window.height)
    np.testing.assert_allclose(published.K, moved)
    # An image resized by the same transform has the size of the maps.
    assert prediction.transform.image(pixels(width, height)).shape[:2] == values.shape


@given(st.integers(1, 2000), st.integers(1, 2000), st.sampled_from(RESIZES))
def test_sides_of_the_network_image_are_multiples_of_64(width, height, resize):
    predictor = DepthPredictor(EchoBackend(), resize)
    nominal = EchoBackend.info.nominal_size
    if not 1 / 8 <= width / height * nominal[1] / nominal[0] <= 8:
        with pytest.raises(FrameError, match="aspect ratio"):
            predictor.transform((width, height))
        return
    transform = predictor.transform((width, height))
    assert all(side % 64 == 0 and side > 0 for side in transform.target)
    if resize != "fit":
        assert transform.target == EchoBackend.info.nominal_size
    place = {"fit": fit, "stretch": stretch, "crop": crop}[resize]  # tested in tests/geometry
    assert transform == place((width, height), transform.target)


def test_given_size_replaces_that_of_the_checkpoint(backend):
    for resize in RESIZES:
        prediction = DepthPredictor(backend, resize, size=(192, 64))(pixels(90, 70))
        assert prediction.network_size == (192, 64)
    assert DepthPredictor(backend, "stretch")(pixels(90, 70)).network_size == (128, 64)


@pytest.mark.parametrize(("name", "kind"), [("tensorrt", "--tensorrt"), ("openvino", "--onnx")])
def test_size_without_a_graph_is_refused_at_once(name, kind):
    backend = EchoBackend()
    backend.info = replace(EchoBackend.info, name=name, sizes=((128, 64), (256, 128)))
    words = f"64x64 px: the {name} .* only for 128x64, 256x128 px; .* {kind} --size 64 64`"
    with pytest.raises(ConfigError, match=words):
        DepthPredictor(backend, size=(64, 64))
    predictor = DepthPredictor(backend, size=(256, 128))
    assert predictor(pixels(90, 70)).network_size == (256, 128)


def test_an_image_that_fills_little_of_a_graph_is_reported_once(caplog):
    backend = EchoBackend()
    backend.info = replace(EchoBackend.info, name="onnxruntime", sizes=((256, 64),))
    predictor = DepthPredictor(backend)
    for _ in range(2):
        predictor(pixels(100, 100))
    (record,) = caplog.records
    assert "100x100 px fills 25 % of the network's 256x64 px" in record.message
    assert "--onnx --size 64 64`" in record.message
    caplog.clear()
    predictor(pixels(256, 70))
    DepthPredictor(backend, "stretch")(pixels(100, 100))
    DepthPredictor(backend, size=(256, 64))(pixels(100, 100))
    DepthPredictor(EchoBackend())(pixels(100, 100))
    assert not caplog.records


# ---------------------------------------------------------------------------- alignment


def smooth(width: int, height: int) -> np.ndarray:
    u, v = np.meshgrid(np.arange(width), np.arange(height))
    red = 90 + 100 * u / width + 50 * v / height
    return np.rint(np.stack([red, red * 0.8, 0 * red], -1)).astype(np.uint8)


@pytest.mark.parametrize("resize", RESIZES)
@pytest.mark.parametrize(("width", "height"), [(300, 200), (121, 333), (64, 40)])
def test_maps_are_aligned_with_the_image(resize, width, height):
    image = smooth(width, height)
    prediction = DepthPredictor(EchoBackend(), resize)(image)
    for values, expected in (
        (prediction.depth, image[..., 0] / 255),
        (prediction.ssi, image[..., 0] / 255),
        (prediction.confidence, np.full((height, width), 0.8)),
    ):
        known = np.isfinite(values)
        assert known.any()
        inner = known & np.roll(known, 6, 0) & np.roll(known, -6, 0)
        inner &= np.roll(known, 6, 1) & np.roll(known, -6, 1)
        inner[:6] = inner[-6:] = inner[:, :6] = inner[:, -6:] = False
        assert inner.any()
        np.testing.assert_allclose(values[inner], expected[inner], atol=0.02)


def test_network_image_is_in_0_to_1():
    backend = EchoBackend()
    DepthPredictor(backend, "stretch")(np.full((64, 128, 3), (255, 51, 0), np.uint8))
    assert backend.seen.shape == (3, 64, 128) and backend.seen.dtype == np.float32
    np.testing.assert_allclose(backend.seen[:, 5, 7], [1, 0.2, 0], rtol=1e-6)


def test_image_of_the_nominal_size_gives_the_output_of_the_model(backend, checkpoint):
    image = pixels(128, 64)
    prediction = DepthPredictor(backend)(image)
    model = JasmineModel.from_pretrained(checkpoint)
    with torch.no_grad():
        expected = model.predict_depth(
            torch.from_numpy(image / np.float32(255)).permute(2, 0, 1)[None]
        )
    assert prediction.network_size == (128, 64)
    np.testing.assert_allclose(prediction.depth, expected.depth[0, 0].numpy(), atol=1e-4)
    np.testing.assert_allclose(prediction.ssi, expected.ssi[0, 0].numpy(), atol=1e-4)
    first, last = (d[0, 0].numpy() for d in expected.depths)
    sure = np.maximum(first, last) > 0.05
    ratio = np.minimum(first, last)[sure] / np.maximum(first, last)[sure]
    np.testing.assert_allclose(prediction.confidence[sure], ratio, atol=5e-3)


def test_equal_images_give_equal_depth(backend):
    predictor = DepthPredictor(backend)
    np.testing.assert_array_equal(predictor(pixels(90, 60)).depth, predictor(pixels(90, 60)).depth)
    assert not np.array_equal(predictor(pixels(90, 60)).depth, predictor(pixels(90, 60, 1)).depth)


def test_other_memory_layouts_are_accepted(backend):
    predictor, image = DepthPredictor(backend), pixels(90, 60)
    expected = predictor(image).depth
    for same in (np.asfortranarray(image), np.repeat(image, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(predictor(same).depth, expected)


def test_all_stages_are_timed_in_order(backend):
    prediction = DepthPredictor(backend)(pixels(90, 60))
    assert list(prediction.seconds) == STAGES
    assert all(0 < seconds < 60 for seconds in prediction.seconds.values())
    assert list(DepthPredictor(EchoBackend())(pixels(9, 9)).seconds) == [
        "preprocess",
        "look",
        "postprocess",
    ]


def test_clock_adds_the_times_of_repeated_stages():
    clock = StageClock()
    for _ in range(2):
        with clock.stage("a"):
            pass
    once = dict(clock.seconds)
    with clock.stage("b"):
        pass
    assert list(clock.seconds) == ["a", "b"] and clock.seconds["a"] == once["a"]


# ---------------------------------------------------------------------------- scale, bad input


def test_scale_of_the_checkpoint_is_returned_and_not_applied(make_model, tmp_path, checkpoint):
    assert DepthPredictor.from_pretrained(checkpoint).metres_per_unit is None
    make_model(metres_per_unit=31.5).save_pretrained(tmp_path / "metric")
    metric = DepthPredictor.from_pretrained(tmp_path / "metric", backend="torch", device="cpu")
    assert metric.metres_per_unit == 31.5
    assert metric.scale.state == "metric"
    make_model(metres_per_unit=31.5, scale_spread=0.2).save_pretrained(tmp_path / "learned")
    learned = DepthPredictor.from_pretrained(tmp_path / "learned", backend="torch", device="cpu")
    assert (learned.scale.state, learned.scale.spread) == ("estimated", 0.2)
    plain = DepthPredictor.from_pretrained(str(checkpoint))
    np.testing.assert_array_equal(metric(pixels(64, 64)).depth, plain(pixels(64, 64)).depth)
    info = plain.backend.info
    assert (info.name, info.precision, info.nominal_size) == ("torch", "fp32", (128, 64))
    assert "smallest" in info.model


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint16),
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros((8, 0, 3), np.uint8),
    ],
    ids=lambda image: f"{image.dtype} {image.shape}",
)
def test_invalid_image_is_refused_without_effect_on_the_next(image):
    predictor = DepthPredictor(EchoBackend())
    with pytest.raises(FrameError) as refusal:
        predictor(image)
    assert str(list(image.shape)) in str(refusal.value) and str(image.dtype) in str(refusal.value)
    predictor(pixels(8, 8))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"resize": "squash"}, "'squash' is not one of fit, stretch, crop"),
        ({"resolution": "full"}, "'full' is not one of camera, network"),
        ({"size": (100, 64)}, "100x64 px.*multiples of 64"),
        ({"size": (64, 0)}, "64x0"),
        ({"size": (-64, 64)}, "-64x64"),
        ({"backend": "caffe"}, "'caffe' is not one of auto"),
        ({"precision": "fp8"}, "'fp8' is not one of auto"),
        ({"precision": "fp16", "device": "cpu"}, "'fp16' needs a GPU"),
        ({"device": "abacus"}, "'abacus' cannot be used"),
    ],
)
def test_invalid_options_are_refused(checkpoint, options, words):
    with pytest.raises(ConfigError, match=words):
        DepthPredictor.from_pretrained(checkpoint, **options)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_gpu_is_a_config_error(checkpoint):
    with pytest.raises(ConfigError, match="'cuda' cannot be used"):
        DepthPredictor.from_pretrained(checkpoint, device="cuda")


def test_missing_checkpoint_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        DepthPredictor.from_pretrained(tmp_path / "nothing")


# ---------------------------------------------------------------------------- confidence

maps = npst.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 3, width=32))


@given(maps)
def test_confidence_is_the_ratio_of_the_last_two_depths(depths):
    confidence = confidence_of(depths)
    assert confidence.shape == (3, 4) and confidence.dtype == np.float32
    assert (confidence >= 0).all() and (confidence <= 1).all()
    before, last = depths.astype(np.float64)
    large = np.maximum(before, last)
    expected = np.divide(np.minimum(before, last), large, out=np.zeros((3, 4)), where=large > 0)
    np.testing.assert_allclose(confidence, expected, rtol=1e-5, atol=1e-30)
    np.testing.assert_array_equal(confidence_of(depths[::-1]), confidence)  # it is symmetric
    still = confidence_of(np.stack([last, last]).astype(np.float32))
    np.testing.assert_array_equal(still, (last > 0).astype(np.float32))


@given(maps, st.sampled_from([0.25, 2.0, 64.0]))
def test_confidence_does_not_depend_on_the_scale(depths, scale):
    depths = np.where(depths < 1e-30, 0, depths)
    np.testing.assert_allclose(
        confidence_of(depths * np.float32(scale)), confidence_of(depths), rtol=1e-6
    )


@settings(max_examples=50)
@given(maps, npst.arrays(np.float32, (5, 3, 4), elements=st.floats(0, 3, width=32)))
def test_confidence_depends_only_on_the_last_two_iterations(depths, earlier):
    np.testing.assert_array_equal(
        confidence_of(np.concatenate([earlier, depths])), confidence_of(depths)
    )


def test_confidence_of_known_depths():
    depths = np.array([[[1.0, 2, 2, 0, np.nan, np.inf, 1]], [[2, 1, 2, 0, 1, 1, np.inf]]], "f4")
    np.testing.assert_array_equal(confidence_of(depths)[0], [0.5, 0.5, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(confidence_of(np.array([[[1, np.nan]]], "f4"))[0], [1, 0])


# ---------------------------------------------------------------------------- imports


@pytest.mark.parametrize("module", ["jasmine_core", "jasmine_core.runtime.predictor"])
def test_importing_the_predictor_imports_no_torch(module):
    script = (
        f"import sys, {module}\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'rosbags', 'rclpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_package_exports_only_the_two_classes():
    assert JasmineModel.__module__ == "jasmine_core.model.jasmine"
    assert DepthPredictor.__module__ == "jasmine_core.runtime.predictor"
    with pytest.raises(AttributeError, match="'Jasmin'"):
        _ = jasmine_core.Jasmin


# ---------------------------------------------------------------------------- focal length


@pytest.mark.parametrize("resize", RESIZES)
def test_canonical_depth_is_scaled_to_the_focal_length_of_the_camera(resize):
    """Depth is multiplied by f_x of the network's image over the canonical f_x."""
    backend = EchoBackend()
    backend.info = replace(EchoBackend.info, canonical_focal=200.0)
    predictor = DepthPredictor(backend, resize)
    image = pixels(640, 320)
    plain, known = predictor(image), predictor(image, focal=500.0)
    ratio = 500.0 * predictor.transform((640, 320)).scale[0] / 200.0
    assert np.allclose(known.depth, ratio * plain.depth, equal_nan=True)
    assert np.array_equal(known.ssi, plain.ssi, equal_nan=True)


@pytest.mark.parametrize("focal", [0.0, -5.0, float("nan"), float("inf")])
def test_an_impossible_focal_length_is_refused(focal):
    with pytest.raises(FrameError, match="f_x of the camera in pixels and above 0"):
        DepthPredictor(EchoBackend())(pixels(128, 64), focal)


def test_focal_length_has_no_effect_without_a_canonical_one():
    predictor = DepthPredictor(EchoBackend())
    image = pixels(128, 64)
    assert np.array_equal(predictor(image).depth, predictor(image, focal=500.0).depth)


def test_scale_does_not_depend_on_the_size_of_the_network_image():
    """With twice the pixels, f_x doubles and canonical depth halves; depth in metres is equal."""
    backend = EchoBackend()
    backend.info = replace(EchoBackend.info, canonical_focal=200.0, multiple=32)
    sizes = ((256, 128), (128, 64))
    large, small = (DepthPredictor(backend, "stretch", size=size) for size in sizes)
    image = np.full((128, 256, 3), 100, np.uint8)
    ratio = large(image, 300.0).depth / small(image, 300.0).depth
    assert np.allclose(ratio, 2.0)  # this backend returns the same canonical depth for both
