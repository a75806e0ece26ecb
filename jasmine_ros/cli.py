# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The `jasmine` command: the core's commands, and those that speak ROS messages."""

import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import field, fields, make_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import tyro
from tyro.conf import OmitArgPrefixes, arg

from jasmine_core import __version__, cli
from jasmine_core.child import isolate
from jasmine_core.cli import INTERRUPTED, Output
from jasmine_core.config import read_config
from jasmine_core.errors import ConfigError, JasmineError
from jasmine_ros.commands import run as bag_run
from jasmine_ros.commands.live import LiveRun
from jasmine_ros.commands.play import Play, play
from jasmine_ros.commands.prepare import prepare
from jasmine_ros.commands.run import BagRun, run_bag
from jasmine_ros.commands.view import ViewRun, view
from jasmine_ros.dds.ros_args import split_ros_arguments
from jasmine_ros.hosts.dds_node import run_dds_node, with_ros_arguments
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.worker import end_process


def _options(parameters: DepthParameters) -> Any:
    """Return the parameters as a dataclass that tyro can document: choices, help, defaults."""
    hints = get_type_hints(DepthParameters)
    kinds = []
    for spec in fields(parameters):
        choices = spec.metadata["choices"]
        kind: Any = Literal[choices] if choices else hints[spec.name]
        described = Annotated[kind, arg(help=spec.metadata["description"])]
        kinds.append((spec.name, described, field(default=getattr(parameters, spec.name))))
    return make_dataclass("DepthOptions", kinds)


def _run_command(base: DepthParameters) -> Callable[..., int]:
    """Make `jasmine run`, with the parameters of --params as the defaults of its options."""
    options = _options(base)

    def run(
        what: Annotated[BagRun, OmitArgPrefixes],
        depth: Annotated[options, OmitArgPrefixes],  # type: ignore[valid-type]
        params: Annotated[str, arg(metavar="FILE")] = "",
    ) -> int:
        """Run the depth node over a bag: OUT/depth (a bag), OUT/preview.png, OUT/report.json.

        Args:
            what: which part of which bag, and where the result goes.
            depth: parameters of the node.
            params: YAML file with node parameters; options given beside it win.
        """
        return _run(what, base.at_start(vars(depth)))

    return run


def demo(
    output: Output = Path("demo"),
    write_bag: Annotated[Path | None, arg(metavar="DIR")] = None,
    kind: Literal["street", "room"] = "street",
    seed: int = 0,
    frames: int = 40,
) -> int:
    """Run the depth node over the bundled drive, or render a new drive with --write-bag.

    Args:
        output: folder for the results, overwritten.
        write_bag: render a drive into DIR/drive (a bag) and DIR/ground truth (exact depth) instead.
        kind: world of the new drive.
        seed: everything else about it.
        frames: its length, at 10 Hz.
    """
    if write_bag:
        from jasmine_core.synthetic.drive import WorldConfig
        from jasmine_ros.bags.synthetic import write_world_bag

        height = 192 if kind == "street" else 480
        config = WorldConfig(kind=kind, width=640, height=height, frames=frames)
        write_world_bag(seed, config, write_bag / "drive", write_bag / "ground_truth")
        print(f"try it: jasmine run {write_bag / 'drive'} -o OUT")
        return 0
    from jasmine_ros.commands.demo import sample_drive, score_depth_bag

    bag, ground_truth = sample_drive()
    shown = DepthParameters(publish_points=True, publish_colorized=True, publish_confidence=True)
    status = _run(BagRun(bag, output, copy=True, overwrite=True), shown)
    if status == 0:
        file = output / "accuracy.json"
        print(score_depth_bag(output / "depth", ground_truth, shown.checkpoint, file), end="")
    return status


def evaluate(
    checkpoint: str = "jasmine-tiny",
    autoencoder: Annotated[str | None, arg(metavar="CHECKPOINT")] = None,
    world: Literal["street", "room"] | None = None,
    seed: int = 0,
    frames: int = 200,
    bag: Annotated[Path | None, arg(metavar="BAG")] = None,
    dataset: Literal["kitti", "sunny", "cloudy", "rainy", "foggy", "cityscapes"] | None = None,
    root: Annotated[Path | None, arg(metavar="DIR")] = None,
    split: Annotated[Path | None, arg(metavar="FILE")] = None,
    ground_truth: Annotated[str | None, arg(metavar="DIR_OR_TOPIC")] = None,
    image: Annotated[str | None, arg(metavar="TOPIC")] = None,
    camera_info: Annotated[str | None, arg(metavar="TOPIC")] = None,
    calibration: Annotated[Path | None, arg(metavar="FILE")] = None,
    protocol: str | None = None,
    alignment: Literal["median", "least_squares", "none"] = "median",
    resize: Literal["fit", "stretch", "crop"] = "fit",
    baseline: str | None = None,
    show: int = 0,
    json: Annotated[Path, arg(metavar="FILE")] = Path("evaluation.json"),
) -> None:
    """Score a checkpoint beside two predictors that never look at the image.

    Writes FILE (JSON) and beside it a Markdown and a LaTeX table and a figure of the best, the
    median and the worst frame.

    Args:
        checkpoint: folder, or the name of a bundled one.
        autoencoder: measure this checkpoint's frozen autoencoder instead: ground-truth depth and
            images of --world (by default streets), encoded and decoded again.
        world: freshly rendered scenes of this kind, from seeds that no training uses.
        seed: which of them.
        frames: how many images, ten of each scene.
        bag: images of this bag instead, with --ground-truth.
        dataset: a published test set instead, in --root: KITTI raw, a weather of DrivingStereo, or
            Cityscapes.
        root: folder of the test set.
        split: list of its images, for KITTI and Cityscapes.
        ground_truth: for a bag a folder of 16-bit PNG (metres x 256, named by stamp), or a topic of
            depth images or LiDAR clouds; for Cityscapes the folder of its depth arrays.
        image: topic of the images.
        camera_info: topic of the CameraInfo.
        calibration: camera_calibration YAML file, for a bag without CameraInfo.
        protocol: which pixels count; by default plain for a world, eigen for a bag, and for a test
            set what papers use on it.
        alignment: how predictions meet the ground truth; none for metric depth.
        resize: how an image meets the network.
        baseline: another checkpoint to stand beside it, such as a disparity net's.
        show: draw this many frames from first to last instead of best, median and worst.
        json: file to write.
    """
    from jasmine_ros.commands.evaluate import Request, evaluate_autoencoder, evaluate_checkpoint

    if autoencoder:
        if bag or dataset:
            raise ConfigError("--autoencoder is measured on --world street or room")
        print(evaluate_autoencoder(autoencoder, world or "street", seed, frames, json), end="")
        print(f"see {json}")
        return
    request = Request(
        checkpoint,
        world,
        seed,
        frames,
        bag,
        dataset,
        root,
        split,
        ground_truth,
        image,
        camera_info,
        calibration,
        protocol,
        alignment,
        resize,
        baseline,
        show,
    )
    print(evaluate_checkpoint(request, json), end="")
    print(f"see {json} and {json.with_suffix('.png')}")


def _live_command(base: DepthParameters, ros: list[str]) -> Callable[..., None]:
    """Make `jasmine live`; what stands behind --ros-args wins over its options."""
    options = _options(base)

    def live(
        what: Annotated[LiveRun, OmitArgPrefixes],
        depth: Annotated[options, OmitArgPrefixes],  # type: ignore[valid-type]
        params: Annotated[str, arg(metavar="FILE")] = "",
    ) -> None:
        """Run the depth node on live topics, without a ROS 2 installation, until Ctrl-C.

        Args:
            what: where the node lives and what it listens to.
            depth: parameters of the node.
            params: YAML file with node parameters; options given beside it win.
        """
        node, parameters = with_ros_arguments(what.dds_node(), base.at_start(vars(depth)), ros)
        run_dds_node(node, parameters)
        end_process()

    return live


def _play(what: Annotated[Play, OmitArgPrefixes]) -> None:
    """Send a bag's camera over live topics, as fast as it was recorded."""
    play(what)


def _view(what: Annotated[ViewRun, OmitArgPrefixes]) -> None:
    """Watch images, depth, clouds and frames of live topics in Rerun's viewer, until Ctrl-C."""
    view(what)


def _run(what: BagRun, parameters: DepthParameters) -> int:
    report = run_bag(what, parameters)
    _summarise(report, what.output)
    if report["ended_by"] == bag_run.INTERRUPTED:
        return INTERRUPTED
    if report["ended_by"] not in (bag_run.END_OF_BAG, bag_run.LIMIT):
        raise JasmineError(f"stopped early: {report['ended_by']}")
    if not report["frames"]["processed"]:
        raise JasmineError(f"no image could be used; {what.output / 'report.json'} says why")
    return 0


def _summarise(report: dict[str, Any], output: Path) -> None:
    frames, depth = report["frames"], report["depth"]
    skipped = sum(kind["count"] for kind in frames["skipped"].values())
    unit = "units (up-to-scale)" if report["scale"]["state"] == "up-to-scale" else "m"
    print(
        f"{frames['processed']} of {frames['received']} images in {report['seconds']:.1f} s, "
        f"{report['frames_per_second']:.1f} per second; {skipped} skipped"
    )
    if depth["median"] is not None:
        print(
            f"depth {depth['minimum']:.3g} to {depth['maximum']:.3g}, median "
            f"{depth['median']:.3g} {unit}"
        )
    print(
        f"see {output / 'preview.png'} and {output / 'report.json'}; the bag is {output / 'depth'}"
    )


def _base_parameters(arguments: list[str]) -> DepthParameters:
    """Read the file after --params, which must be known before the other options are."""
    for option, value in pairwise(arguments):
        if option == "--params":
            return read_config(DepthParameters, Path(value))
    return DepthParameters()


def main(argv: list[str] | None = None) -> int:
    """Run a command; a user's mistake is one line and status 1, a traceback only with --debug."""
    arguments, ros = split_ros_arguments(list(sys.argv[1:] if argv is None else argv))
    isolate()
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    if arguments == ["--version"]:
        print(f"jasmine {__version__}")
        return 0
    # A second call in one process must not write to a stderr that was closed in between.
    logging.basicConfig(format="%(levelname)s: %(message)s", force=True)
    for package in ("jasmine_core", "jasmine_ros"):
        logging.getLogger(package).setLevel(logging.INFO)
    # A robot shares its CPU: threads that spin while they wait make the network many times slower
    # next to any other busy process. OpenMP reads this once, when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        if ros and arguments[:1] != ["live"]:
            raise ConfigError("--ros-args belongs to `jasmine live`")
        commands: dict[str, Callable[..., Any]] = {
            "run": _run_command(_base_parameters(arguments)),
            "demo": demo,
            "evaluate": evaluate,
            "live": _live_command(_base_parameters(arguments), ros),
            "play": _play,
            "view": _view,
            "prepare": prepare,
            **cli.COMMANDS,
        }
        status: Any = tyro.extras.subcommand_cli_from_dict(
            commands, prog="jasmine", description=__doc__, args=arguments, sort_subcommands=True
        )
        return int(status or 0)
    except JasmineError as err:
        if debug:
            traceback.print_exc()
        print(f"error: {err}", file=sys.stderr)
        return 1
    except OSError as err:  # a full disk, a missing permission: nothing that code could mend
        if debug:
            traceback.print_exc()
        print(f"error: {err.filename or 'writing failed'}: {err.strerror or err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as err:
        if debug:
            traceback.print_exc()
        print(
            f"error: {type(err).__name__}: {err} (this is a bug; --debug shows where)",
            file=sys.stderr,
        )
        return 1


if __name__ == "__main__":
    sys.exit(main())
