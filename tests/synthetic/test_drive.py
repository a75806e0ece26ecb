# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F

from jasmine_core.errors import ConfigError
from jasmine_core.synthetic.drive import WorldConfig, render_clips, render_drive

SIZES = {"street": (96, 32), "road": (160, 48), "room": (64, 48), "indoor": (64, 48)}
# A hand turns much and goes little: parallax needs time.
RATES = {"street": 10.0, "road": 10.0, "room": 10.0, "indoor": 4.0}
# Of the camera above the origin [m]; a road may rise or fall by then.
HEIGHTS = {"street": (0.8, 2.0), "room": (0.8, 2.0), "road": (-6.0, 8.0), "indoor": (0.05, 2.6)}
FIELDS = ("images", "depths", "K", "T_world_camera", "velocity", "angular_velocity", "moving")


def config(kind, **how):
    width, height = SIZES[kind]
    return WorldConfig(
        **{"kind": kind, "width": width, "height": height, "frames": 3, "texture_banks": 1, **how}
    )


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["street", "road", "room", "indoor"])
def kind(request):
    return request.param


def warp(source, depth, K, T_source_target):
    """Look the target's pixels up in the source image; returns them and where they exist."""
    H, W = depth.shape[-2:]
    v, u = torch.meshgrid(torch.arange(H).float(), torch.arange(W).float(), indexing="ij")
    pixels = torch.stack([u, v, torch.ones_like(u)]).flatten(1)
    points = T_source_target[:3, :3] @ (K.inverse() @ pixels * depth.flatten())
    projected = K @ (points + T_source_target[:3, 3:])
    u, v = projected[:2] / projected[2]
    grid = torch.stack([(2 * u + 1) / W - 1, (2 * v + 1) / H - 1], dim=-1).view(1, H, W, 2)
    seen = (grid.abs() <= 1).all(-1)[0] & (projected[2].view(H, W) > 0.1)
    return F.grid_sample(source[None], grid, align_corners=False)[0], seen


def test_depth_pose_and_K_explain_the_next_image(kind):
    errors = {name: 0.0 for name in ("true", "same image", "x 0.7", "x 1.5", "inverted pose")}
    for seed in range(6):
        drive = render_drive(
            seed,
            config(kind, width=2 * SIZES[kind][0], height=2 * SIZES[kind][1], rate=RATES[kind]),
        )
        target, source, depth = drive.images[0], drive.images[1], drive.depths[0, 0].clamp_max(1e4)
        T = drive.T_world_camera[1].inverse() @ drive.T_world_camera[0]
        cases = {
            "true": (depth, T),
            "x 0.7": (0.7 * depth, T),
            "x 1.5": (1.5 * depth, T),
            "inverted pose": (depth, T.inverse()),
            "same image": (depth, torch.eye(4)),
        }
        for name, (z, pose) in cases.items():
            image, seen = warp(source, z, drive.K, pose)
            errors[name] += (image - target).abs().mean(0)[seen].mean().item()
    assert errors["true"] < 0.5 * errors["same image"], errors
    assert errors["true"] < 0.4 * errors["inverted pose"], errors
    assert errors["true"] < 0.8 * min(errors["x 0.7"], errors["x 1.5"]), errors


def test_depth_is_finite_in_rooms_and_below_the_horizon(kind):
    for seed in range(3):
        drive = render_drive(seed, config(kind))
        assert (drive.depths > 0).all()
        assert drive.images.min() >= 0
        assert drive.images.max() <= 1
        if kind in ("room", "indoor"):
            assert drive.depths.max() < (12 if kind == "room" else 60)
        else:
            down = (torch.arange(SIZES[kind][1]) - drive.K[1, 2]) / drive.K[1, 1]
            assert drive.depths[:, :, down > 0.1].isfinite().all()  # beyond any pitch of a vehicle
            assert drive.depths.isinf().any()


def test_velocity_is_the_derivative_of_the_pose(kind):
    drive = render_drive(5, config(kind, rate=50.0, frames=6))
    T, dt = drive.T_world_camera.double(), 1 / 50
    step = T[:-1].inverse() @ T[1:]
    middle = (drive.velocity[1:] + drive.velocity[:-1]).double() / 2
    assert torch.allclose(step[:, :3, 3] / dt, middle, atol=0.02 * float(middle.abs().max()))
    spin = (step[:, :3, :3] - step[:, :3, :3].transpose(1, 2)) / 2
    angular = torch.stack([spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]], dim=-1) / dt
    middle = (drive.angular_velocity[1:] + drive.angular_velocity[:-1]).double() / 2
    assert torch.allclose(angular, middle, atol=0.01)
    assert drive.stamps == [i * 20_000_000 for i in range(6)]
    if kind == "street":
        assert 3 * 0.7 < drive.velocity[:, 2].mean() < 14 * 1.3
        assert (drive.velocity[:, 2] > 10 * drive.velocity[:, 1].abs()).all()


def test_poses_are_rigid_and_heights_those_of_the_carrier(kind):
    T = render_drive(2, config(kind)).T_world_camera
    assert torch.allclose(T[:, :3, :3] @ T[:, :3, :3].transpose(1, 2), torch.eye(3), atol=1e-5)
    height = -T[:, 1, 3]
    low, high = HEIGHTS[kind]
    assert ((height > low) & (height < high)).all()


def test_a_seed_decides_everything_and_seeds_differ(kind):
    first, again, other = (render_drive(seed, config(kind)) for seed in (1, 1, 2))
    for name in FIELDS:
        assert torch.equal(getattr(first, name), getattr(again, name)), name
    assert (first.images - other.images).abs().mean() > 0.05
    assert not torch.equal(first.depths, other.depths)


def test_a_batch_equals_its_scenes(kind):
    times = torch.tensor([[0.0, 0.1], [0.05, 0.1], [0.2, 0.1]], dtype=torch.float64)
    cfg = config(kind, moving_objects=True, texture_banks=2)  # seeds of both banks
    batch = render_clips([3, 0, 7], times, cfg)
    for i, seed in enumerate((3, 0, 7)):
        alone = render_clips([seed], times[i : i + 1], cfg)
        for name in FIELDS:
            a, b = getattr(batch, name)[i], getattr(alone, name)[0]
            assert torch.allclose(a.float(), b.float(), atol=1e-4), name


def test_nothing_moves_unless_asked_for(kind):
    assert not any(render_drive(seed, config(kind)).moving.any() for seed in range(3))
    drives = [render_drive(seed, config(kind, moving_objects=True)) for seed in range(8)]
    share = torch.stack([d.moving.float().mean() for d in drives])
    assert 0 < share.mean() < 0.5
    for drive in drives:
        assert drive.depths[drive.moving].isfinite().all()


def test_size_changes_the_image_and_not_the_scene(kind):
    small = render_drive(4, config(kind))
    W, H = SIZES[kind]
    large = render_drive(4, config(kind, width=3 * W, height=3 * H))
    # The centre of a small pixel is the centre of the middle one of its 3 x 3 large pixels.
    assert torch.allclose(small.depths, large.depths[..., 1::3, 1::3], rtol=1e-3)
    assert torch.equal(small.T_world_camera, large.T_world_camera)


def test_field_of_view_is_the_one_asked_for():
    drive = render_drive(0, config("street", fov=(90.0, 90.0)))
    assert drive.K[0, 0].item() == pytest.approx(SIZES["street"][0] / 2)
    assert drive.K[0, 0] == drive.K[1, 1]
    assert drive.K[0, 2].item() == (SIZES["street"][0] - 1) / 2


def test_a_standing_vehicle_stands():
    drive = render_drive(0, config("street", standing=1.0))
    assert torch.equal(drive.T_world_camera[0], drive.T_world_camera[2])
    assert (drive.velocity == 0).all()
    assert torch.equal(drive.depths[0], drive.depths[2])


@pytest.mark.parametrize(
    "wrong", [{"frames": 0}, {"width": 4}, {"fov": (90.0, 60.0)}, {"rate": 0.0}, {"supersample": 0}]
)
def test_impossible_configurations_are_refused(wrong):
    with pytest.raises(ConfigError):
        WorldConfig(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gpu_draws_the_same_world(kind):
    on_cpu, on_gpu = (render_drive(1, config(kind), device) for device in ("cpu", "cuda"))
    # A ray along an outline may fall on the other side of it.
    same = torch.isclose(on_cpu.depths, on_gpu.depths.cpu(), rtol=1e-4)
    assert same.float().mean() > 0.995
    assert (on_cpu.images - on_gpu.images.cpu()).abs().mean() < 0.005
