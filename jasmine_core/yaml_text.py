# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Reader of YAML from untrusted files: numbers as in YAML 1.2, without aliases."""

from __future__ import annotations

import re
from typing import Any

import yaml

MAX_YAML = 1 << 20  # characters: PyYAML needs 12 s and 350 MB for them
# PyYAML converts values by functions of Python, whose errors it does not translate.
_UNREADABLE = (ValueError, LookupError, AttributeError, TypeError, OverflowError)


class _Loader(yaml.SafeLoader):
    """YAML loader that reads `3e-5` as a number, as YAML 1.2 does; PyYAML follows YAML 1.1."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: ten lines of them describe 10^9 items. ROS 2 refuses them as well."""
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(
                None,
                None,
                f"alias *{event.anchor} is not supported; repeat the value",
                event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_number(self, node: Any) -> Any:
        """Return a number; 12:30 is text in YAML 1.2, and a number to the base of 60 in 1.1."""
        if ":" in node.value:
            return self.construct_scalar(node)
        whole = node.tag.endswith(":int")
        return self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"),
    list("-+.0123456789"),
)

for _kind in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _Loader.construct_number)


def parse_yaml(text: str) -> Any:
    """Return the content of YAML text; raise yaml.YAMLError if it cannot be read."""
    if len(text) > MAX_YAML:
        raise yaml.YAMLError(f"it has {len(text)} characters, {MAX_YAML} are read at most")
    try:
        return yaml.load(text, _Loader)
    except RecursionError as err:
        raise yaml.YAMLError("it is nested too deeply") from err
    except _UNREADABLE as err:  # such as a number of too many digits, !!bool x or 2026-99-99
        raise yaml.YAMLError(str(err)) from err
