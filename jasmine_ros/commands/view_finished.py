# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine view OUT|BAG`: a finished result or a recording on a timeline of Rerun."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jasmine_core.dataset.packed import PACKED
from jasmine_core.dataset.sequence import INDEX
from jasmine_core.errors import ConfigError
from jasmine_core.files import read_json
from jasmine_core.store.paths import exists, is_file, is_remote, names_in, url_of
from jasmine_ros.bags.bag_path import BAG_FILES
from jasmine_ros.bags.find import DEPTH_BAG
from jasmine_ros.bags.rosbag2_folder import METADATA
from jasmine_ros.commands.run_summary import SUMMARY
from jasmine_ros.commands.view_bag import Show, recording_view
from jasmine_ros.commands.view_curves import LOG, evaluation_files, evaluation_view, training_view
from jasmine_ros.commands.view_result import result_view
from jasmine_ros.commands.view_sequence import sequences_view
from jasmine_ros.commands.view_target import open_target
from jasmine_ros.node.names import is_topic


def finished_path(arguments: Sequence[str]) -> Path | None:
    """Return the result or recording that the arguments name; None for live topics.

    An argument names a path if it exists, or if ROS 2 does not allow it as a topic.

    Raises:
        ConfigError: a path is not the only argument.
    """
    paths = [name for name in arguments if not is_topic(name) or Path(name).exists()]
    if paths and len(arguments) > 1:
        raise ConfigError(
            f"{paths[0]} is a path, of which one can be shown at a time; give it alone, or topics "
            "only"
        )
    return Path(paths[0]) if paths else None


def may_be_path(topic: str) -> bool:
    """Return whether the name of a topic may be a path with a typing error.

    That is a relative name, or one in a folder of the disk.
    """
    folder = Path(topic).parent
    return not topic.startswith("/") or (folder != Path("/") and folder.is_dir())


def show_finished(path: Path, save: Path | None, max_frames: int) -> dict[str, int]:
    """Show a result or a recording; return how often each entity was logged."""
    from jasmine_ros.commands.view import require_rerun

    rerun = require_rerun()
    show = find_view(path)  # Errors of the input come before a viewer opens.
    with open_target(rerun, save, max_frames) as target:
        show(target)
        if not target.is_arranged:
            target.arrange()
    return dict(target.shown)


def find_view(path: Path) -> Show:
    """Return a function that shows a result or a recording.

    Raises:
        ConfigError: the path is neither.
        JasmineError: it is damaged, or has nothing to show.
    """
    place = url_of(path)
    if not exists(path):
        raise ConfigError(f"{place} does not exist; give a recording or the folder of a result")
    names = names_in(path)
    if path.suffix in BAG_FILES or METADATA in names:
        return recording_view(path)
    if METADATA in names_in(path / DEPTH_BAG):
        return result_view(path)
    if {INDEX, PACKED} & set(names) or any(is_file(path / name / INDEX) for name in names):
        return sequences_view(path)
    if LOG in names:
        return training_view(path)
    if not is_remote(path) and any(evaluation_files(path)):
        return evaluation_view(path)
    if SUMMARY[0] in names:
        found = _results_in(path)
        raise ConfigError(
            f"{place} has the results of {len(found)} recordings; give one of them, such as "
            f"{place}/{found[0] if found else 'NAME'}"
        )
    if any(Path(name).suffix in BAG_FILES for name in names):
        return recording_view(path)  # a folder without metadata
    raise ConfigError(
        f"{place} is neither a recording nor a result of jasmine run, train, evaluate or prepare"
    )


def _results_in(folder: Path) -> list[str]:
    """Return the names of the results of which a folder has the summary."""
    try:
        results = read_json(folder / SUMMARY[0])["results"]
        return sorted(str(name) for name in results)
    except (OSError, ValueError, KeyError, TypeError):
        return []
