# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Generator of docs/parameters.md, docs/topics.md and config/depth.yaml.

Run it in the repository after a parameter or a topic has changed:

    python -m jasmine_ros.node.generate_docs
"""

from __future__ import annotations

import json
import textwrap
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from jasmine_ros.msgs.transforms import TF, TF_STATIC, TRANSFORMS
from jasmine_ros.node.metric_scale import IMU_TYPE, SENSORS
from jasmine_ros.node.parameters import DepthParameters, NodeParameters
from jasmine_ros.node.topics import (
    CAMERA_INFO,
    COMPRESSED_TYPE,
    IMAGE,
    IMAGE_TYPE,
    INFO_TYPE,
    MEANINGS,
    OUTPUTS,
    QUEUES,
    SERVICES,
)

NOTE = "Written by `python -m jasmine_ros.node.generate_docs`."


def parameters_markdown() -> str:
    """Return the table of all parameters."""
    rows = [
        f"| `{spec.name}` | {_kind(spec)} | `{_yaml(spec.default)}` | {_range(spec)} "
        f"| {'at start' if spec.metadata['read_only'] else 'at any time'} "
        f"| {spec.metadata['description']} |"
        for spec in _fields()
    ]
    return f"""# Parameters of the depth node

{NOTE} `config/depth.yaml` has them with their defaults.

| parameter | type | default | values | can be set | description |
|---|---|---|---|---|---|
{chr(10).join(rows)}

`set_parameters_atomically` changes all of its parameters or none. With
`jasmine run` and `jasmine live` the same parameters are options: `--points-stride 2`.

A ROS 2 node also has `use_sim_time`, and for each topic
`qos_overrides.<full name>.publisher.*` or `.subscription.*`
(`reliability`, `history`, `depth`), at start only.
"""


def topics_markdown() -> str:
    """Return the tables of topics and services."""
    inputs = {IMAGE: _either(IMAGE_TYPE, COMPRESSED_TYPE), CAMERA_INFO: INFO_TYPE}
    return f"""# Topics of the depth node

{NOTE} Names without a leading slash are in the node's namespace, and all can be remapped.

| input | type | description |
|---|---|---|
{_rows(inputs)}

Unless `camera_info` is remapped, the node subscribes to the one beside `image`. With a measured
metric scale ([scale.md](scale.md)) it has further inputs:

| input | type | with |
|---|---|---|
| named by `scale_topic` | `{_either(*SENSORS.values())}` | `scale_mode: sparse_depth` |
| `camera_info` beside it | `{_short(INFO_TYPE)}` | `scale_sensor: depth` |
| named by `imu_topic` | `{_short(IMU_TYPE)}` | `scale_mode: camera_height` |
| `{TF}`, `{TF_STATIC}` | `{_short(TRANSFORMS)}` | `sparse_depth`, or an `imu_topic` |

Subscriptions are best effort, which is compatible with every publisher. The queue holds
{QUEUES[TRANSFORMS]} messages of transforms and one message of every other topic. A CameraInfo or a
static transform that was published once with transient local durability is received as well.

| output | type | description |
|---|---|---|
{_rows(OUTPUTS)}

Outputs have the stamp and the frame of their image. They are reliable with a queue of one message.
An output without a subscriber is not computed; while no output has a subscriber the network does
not run, unless `always_on` is set.

| service | type | description |
|---|---|---|
{_rows(SERVICES)}
"""


def parameters_yaml() -> str:
    """Return a parameter file with every parameter, its meaning and its default."""
    lines = [
        "# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers",
        "# SPDX-License-Identifier: Apache-2.0",
        f"# Every parameter of the depth node with its default. {NOTE.replace('`', '')}",
        "/**:",
        "  ros__parameters:",
    ]
    for spec in _fields():
        limits = _range(spec).replace("`", "")
        text = spec.metadata["description"] + (f" Values: {limits}." if limits else "")
        text += " It can be set at start only." if spec.metadata["read_only"] else ""
        lines += [f"    # {line}" for line in textwrap.wrap(text, 92)]
        lines.append(f"    {spec.name}: {_yaml(spec.default)}")
    return "\n".join(lines) + "\n"


FILES = {
    "docs/parameters.md": parameters_markdown,
    "docs/topics.md": topics_markdown,
    "config/depth.yaml": parameters_yaml,
}


def _fields() -> list[Field[Any]]:
    return [*fields(DepthParameters), *fields(NodeParameters)]


def _kind(spec: Field[Any]) -> str:
    return {"str": "string", "float": "double"}.get(str(spec.type), str(spec.type))


def _yaml(value: Any) -> str:
    return json.dumps(value)


def _range(spec: Field[Any]) -> str:
    rules = spec.metadata
    if rules["choices"]:
        return ", ".join(f"`{choice}`" for choice in rules["choices"])
    if rules["minimum"] is None:
        return ""
    return f"{rules['minimum']:g} to {rules['maximum']:g}"


def _short(type_name: str) -> str:
    return type_name.replace("/msg/", "/").replace("/srv/", "/")


def _either(*type_names: str) -> str:
    return "` or `".join(map(_short, type_names))


def _rows(types: dict[str, str]) -> str:
    return "\n".join(f"| `{n}` | `{_short(kind)}` | {MEANINGS[n]} |" for n, kind in types.items())


def main() -> None:
    """Write the files into the working directory."""
    for name, text in FILES.items():
        Path(name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
