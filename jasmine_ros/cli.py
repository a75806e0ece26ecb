# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The `jasmine` command: the core's commands, and those that speak ROS messages."""

from __future__ import annotations

import sys
import traceback
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro
from tyro.conf import OmitArgPrefixes, Positional, arg

from jasmine_core import __version__, cli
from jasmine_core.cli import Output
from jasmine_core.config import read_config
from jasmine_core.errors import JasmineError
from jasmine_ros.parameters import DepthParameters

INTERRUPTED = 130  # as a shell reports SIGINT


def _as_options(kind: type) -> Any:
    """Turn a parameter dataclass into options: all optional, helped by their own descriptions."""
    hints = get_type_hints(kind)
    return make_dataclass(
        f"{kind.__name__}Options",
        [
            (f.name, Annotated[hints[f.name] | None, arg(help=_help(f))], field(default=None))
            for f in fields(kind)
        ],
    )


def _help(spec: Any) -> str:
    choices = spec.metadata["choices"]
    return (
        spec.metadata["description"]
        + (f" ({' | '.join(choices)})" if choices else "")
        + f" [default: {spec.default}]"
    )


_DepthOptions: Any = _as_options(DepthParameters)


def run(
    bag: Positional[Path],
    output: Output,
    depth: Annotated[_DepthOptions, OmitArgPrefixes] = _DepthOptions(),
    params: Path | None = None,
    image: str | None = None,
    camera_info: str | None = None,
    calibration: Path | None = None,
    namespace: str = "",
    limit: int | None = None,
    every: int = 1,
    start: Annotated[float | None, arg(name="from")] = None,
    stop: Annotated[float | None, arg(name="to")] = None,
    copy: bool = False,
    storage: str = "mcap",
    compress: bool = False,
    overwrite: bool = False,
) -> int:
    """Run the depth node over a bag: OUT/depth (a bag), OUT/preview.png, OUT/report.json.

    Args:
        bag: a rosbag2 folder, .mcap, .db3, or a ROS 1 .bag.
        output: folder for the results.
        depth: parameters of the node.
        params: YAML file with node parameters; options given here win.
        image: topic of the pictures; found by itself where there is one camera.
        camera_info: topic of the CameraInfo; found beside the pictures.
        calibration: camera_calibration YAML, for a bag without CameraInfo.
        namespace: of the output topics.
        limit: process this many pictures at most.
        every: process each n-th picture.
        start: begin this many seconds after the start of the bag.
        stop: end this many seconds after the start of the bag.
        copy: carry the bag's own topics over into the result.
        storage: mcap or sqlite3.
        compress: with zstd.
        overwrite: replace an earlier result in OUT.
    """
    from jasmine_ros.bag_run import INTERRUPTED as INTERRUPTED_RUN
    from jasmine_ros.bag_run import END_OF_BAG, LIMIT, BagRun, run_bag

    base = read_config(DepthParameters, params) if params else DepthParameters()
    given = {name: value for name, value in vars(depth).items() if value is not None}
    parameters = base.at_start(given)
    report = run_bag(
        BagRun(
            bag,
            output,
            image,
            camera_info,
            calibration,
            namespace,
            limit,
            every,
            start,
            stop,
            copy,
            storage,
            compress,
            overwrite,
        ),
        parameters,
    )
    _summarise(report, output)
    if report["ended_by"] == INTERRUPTED_RUN:
        return INTERRUPTED
    if report["ended_by"] not in (END_OF_BAG, LIMIT):
        raise JasmineError(f"stopped early: {report['ended_by']}")
    if not report["frames"]["processed"]:
        raise JasmineError(f"no picture could be used; {output / 'report.json'} says why")
    return 0


def _summarise(report: dict[str, Any], output: Path) -> None:
    frames, depth = report["frames"], report["depth"]
    skipped = sum(kind["count"] for kind in frames["skipped"].values())
    unit = "m" if report["scale"]["state"] == "metric" else "units (up-to-scale)"
    print(
        f"{frames['processed']} of {frames['received']} pictures in {report['seconds']:.1f} s, "
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


COMMANDS = {"run": run, **cli.COMMANDS}


def main(argv: list[str] | None = None) -> int:
    """Run a command; a user's mistake is one line and status 1, a traceback only with --debug."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [a for a in arguments if a != "--debug"]
    if arguments == ["--version"]:
        print(f"jasmine {__version__}")
        return 0
    try:
        status = tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="jasmine", description=__doc__, args=arguments, sort_subcommands=True
        )
        return int(status or 0)
    except JasmineError as err:
        if debug:
            traceback.print_exc()
        print(f"error: {err}", file=sys.stderr)
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
