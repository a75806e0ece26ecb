# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine evaluate`: scores of a checkpoint on rendered scenes, recordings or a test set."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Literal

from jasmine_core.commands.options import option
from jasmine_core.errors import ConfigError
from jasmine_core.evaluate.protocols import PROTOCOLS, Alignment
from jasmine_core.evaluate.published import Published
from jasmine_core.evaluate.report import expect_place
from jasmine_core.runtime.backend import BACKENDS
from jasmine_core.runtime.predictor import Resize
from jasmine_core.synthetic.config import expect_seed
from jasmine_ros.bags.find import find_recordings
from jasmine_ros.commands.options import Calibration, ShardText, Topic, expect_recordings
from jasmine_ros.commands.pools import Pool, PoolOptions

# Options that have an effect with one source of images alone.
OF_WORLD = ("seed", "frames", "rate")
OF_DATASET = ("root", "split")
OF_BAG = (
    "image", "camera_info", "calibration", "odometry", "bits", "max_image_pixels", "shard",
    "workers", "pool",
)  # fmt: skip
OF_MODEL = (
    "baseline", "temporal", "protocol", "alignment", "resize", "show", "ground_truth", "checkpoint",
    "backend",
)  # fmt: skip


@dataclass(frozen=True)
class EvaluateRequest:
    """Compare a checkpoint with ground truth, next to two trivial predictors as a reference.

    Writes FILE (JSON) and, with the same name, a report (.html), Markdown tables, LaTeX tables and
    a figure of the best, the median and the worst image. Rendered scenes and recordings get a table
    of temporal metrics as well, with the known camera poses, the odometry, or the optical flow.
    """

    #: Folder of the checkpoint, or the name of a bundled one.
    checkpoint: Annotated[str, option("CHECKPOINT")] = "jasmine-tiny"
    #: Checkpoint whose frozen autoencoder is evaluated instead: it encodes and decodes the ground
    #: truth and the images of --world (by default street).
    autoencoder: Annotated[str | None, option("CHECKPOINT")] = None
    #: Kind of rendered scenes to evaluate on, from seeds that no training uses.
    world: Annotated[Literal["street", "room"] | None, option("{street,room}")] = None
    #: Seed of the rendered scenes.
    seed: int = 0
    #: Number of rendered images, ten per scene.
    frames: Annotated[int, option("N")] = 200
    #: Rate of the rendered images in hertz. Temporal metrics depend on it: at the rate of a camera
    #: less changes between two images.
    rate: Annotated[float, option("HZ")] = 2.0
    #: Recordings to evaluate on: rosbag2 folders, .mcap or .db3 files, ROS 1 .bag files, or folders
    #: of these; needs --ground-truth. Several recordings have one report, and their scores are kept
    #: in a folder with the name of FILE, so that the same command can be repeated.
    bag: Annotated[tuple[Path, ...], option("BAG [BAG ...]")] = ()
    #: Share of the recordings to evaluate, for one of several machines: 2/8 is the second of eight.
    #: The report has the scores of all recordings that are evaluated so far.
    shard: ShardText = "1/1"
    #: Number of recordings that are evaluated at the same time.
    workers: Annotated[int, option("N")] = 1
    pool: Pool = field(default_factory=PoolOptions)
    #: Published test set to evaluate on: KITTI raw, one kind of weather of DrivingStereo, or
    #: Cityscapes; needs --root.
    dataset: Annotated[Published | None, option("{kitti,sunny,cloudy,rainy,foggy,cityscapes}")] = (
        None
    )
    #: Folder of the published test set.
    root: Annotated[Path | None, option("DIR")] = None
    #: Text file that lists the images of the test set; needed for KITTI and Cityscapes.
    split: Annotated[Path | None, option("FILE")] = None
    #: Ground truth. For a recording: a folder of 16-bit PNG files (depth in metres x 256,
    #: named by timestamp), or a topic of depth images or LiDAR point clouds. For several
    #: recordings the folder may have a folder of these files for each. For Cityscapes: the folder
    #: of its depth arrays.
    ground_truth: Annotated[str | None, option("DIR_OR_TOPIC")] = None
    #: Topic of the images; may be omitted if the recording has one camera.
    image: Topic = None
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: YAML file of camera_calibration, for a recording without CameraInfo.
    calibration: Calibration = None
    #: Topic of the odometry of a recording, for the temporal metrics; by default /odom or the only
    #: one. Without odometry, or with none, the optical flow gives the motion of the camera.
    odometry: Topic = None
    #: Filter over time of the predictions, as the parameter temporal of the node; it uses the known
    #: camera poses.
    temporal: Annotated[Literal["off", "scale", "fuse"], option("{off,scale,fuse}")] = "off"
    #: Number of bits that the camera of a recording uses in 16-bit images; 0 finds the range.
    bits: Annotated[int, option("N")] = 0
    #: Largest number of pixels of a recorded image; larger ones are left out.
    max_image_pixels: Annotated[int, option("N")] = 1 << 24
    #: Protocol that selects the pixels; by default plain for rendered scenes, eigen for a
    #: recording, and the usual one of a published test set.
    protocol: Annotated[str | None, option("{" + ",".join(PROTOCOLS) + "}")] = None
    #: Alignment of the predicted depth with the ground truth; none is for metric depth.
    alignment: Alignment = "median"
    #: Conversion of an image to the size of the network: fit adds a border, stretch changes the
    #: aspect ratio, and crop cuts out the centre.
    resize: Resize = "fit"
    #: Library that runs the network. torch gives images of each shape a size of their own; the
    #: others have the sizes of the exports, and auto takes them if there are any, as the node does.
    backend: Annotated[str, option("{" + ",".join(BACKENDS) + "}")] = "torch"
    #: Second checkpoint whose scores are listed beside, such as a disparity network.
    baseline: Annotated[str | None, option("CHECKPOINT")] = None
    #: Number of images in the figure, evenly spaced; 0 shows the best, the median and the
    #: worst.
    show: Annotated[int, option("N")] = 0
    #: File of the results; by default evaluation.json, or autoencoder.json with --autoencoder.
    json: Annotated[Path | None, option("FILE")] = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ConfigError(f"--frames is {self.frames}; it must be at least 1")
        if not 0 < self.rate < float("inf"):
            raise ConfigError(f"--rate is {self.rate}; it must be a positive number of hertz")
        expect_seed(self.seed, "--seed")
        if self.seed < 0:
            raise ConfigError(
                f"--seed is {self.seed}; it must be 0 or more; trainings use the scenes below 0"
            )
        if self.show < 0:
            raise ConfigError(f"--show is {self.show}; it must be 0 or more")
        if not 0 <= self.bits <= 16:
            raise ConfigError(
                f"--bits is {self.bits}; it must be in 0..16, where 0 finds the range"
            )
        if self.max_image_pixels < 1:
            raise ConfigError(
                f"--max-image-pixels is {self.max_image_pixels}; it must be at least 1"
            )
        for name in ("checkpoint", "autoencoder"):
            if getattr(self, name) == "":
                raise ConfigError(f"--{name} is empty; it must be a folder or a bundled name")
        if self.autoencoder is not None:
            if self.bag or self.dataset:
                raise ConfigError("--autoencoder is evaluated on rendered scenes; use --world")
            self._expect_unused("--autoencoder", *OF_BAG, *OF_DATASET, *OF_MODEL)
            return
        if sum(bool(x) for x in (self.world, self.bag, self.dataset)) != 1:
            raise ConfigError("add exactly one of --world, --bag and --dataset")
        if self.world:
            self._expect_unused("--world", *OF_BAG, *OF_DATASET, "ground_truth")
        elif self.dataset:
            self._expect_unused("--dataset", *OF_BAG, *OF_WORLD)
            unread = {"kitti": ("ground_truth",), "cityscapes": ()}
            self._expect_unused(
                f"--dataset {self.dataset}", *unread.get(self.dataset, ("split", "ground_truth"))
            )
            if not self.root:
                raise ConfigError("--dataset needs --root")
        else:
            self._expect_unused("--bag", *OF_WORLD, *OF_DATASET)
            expect_recordings(self.bag, self.shard, self.workers)
            if not self.ground_truth:
                raise ConfigError("--bag needs --ground-truth")

    @property
    def file(self) -> Path:
        """Return the file of the results."""
        kind = "evaluation" if self.autoencoder is None else "autoencoder"
        return self.json or Path(f"{kind}.json")

    def _expect_unused(self, source: str, *names: str) -> None:
        """Raise ConfigError if an option is set that has no effect beside `source`."""
        defaults = {spec.name: spec.default for spec in fields(self)} | {"pool": PoolOptions()}
        for name in names:
            if getattr(self, name) != defaults[name]:
                option = "engine" if name == "pool" else name.replace("_", "-")
                raise ConfigError(f"--{option} has no effect with {source}; leave it out")


def evaluate(request: EvaluateRequest) -> int:
    """Evaluate as requested and print the table of scores."""
    from jasmine_ros.commands.evaluation import evaluate_autoencoder, evaluate_checkpoint

    expect_place(
        request.file, "autoencoder" if request.autoencoder is not None else "trivial_constant"
    )
    if request.bag:
        recordings = find_recordings(request.bag)
        if len(recordings) > 1 or request.shard != "1/1":
            from jasmine_ros.commands.evaluate_many import evaluate_many

            return evaluate_many(request, recordings)
        request = replace(request, bag=(recordings[0].path,))
    if request.autoencoder is not None:
        print(evaluate_autoencoder(request, request.autoencoder), end="")
        print(f"see {request.file}")
    else:
        print(evaluate_checkpoint(request), end="")
        print(f"see {request.file} and {request.file.with_suffix('.png')}")
        print_page(request.file)
    return 0


def print_page(json: Path) -> None:
    """Print the place of the page beside a JSON file, if there is one."""
    if (page := json.with_suffix(".html")).is_file():
        print(f"report: {page}")
