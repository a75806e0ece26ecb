# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hooks of the documentation build: generated pages, sidebar, links and equations."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import site_reference
from docutils import nodes

import jasmine_core

ROOT = Path(jasmine_core.__file__).resolve().parents[1]
FOLDER = "generated"
MARKER = "<!-- generated -->"  # the place of the generated reference in index.md
# Files of the repository that are pages of the site as well, by the name of their page.
PROJECT_PAGES = {
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "quality": "QUALITY_DECLARATION.md",
    "training": "training/README.md",
    "benchmarks": "benchmarks/README.md",
    "examples": "examples/README.md",
    "recording": "jasmine_core/samples/README.md",
    "model_card": "jasmine_core/checkpoints/jasmine-tiny/MODEL_CARD.md",
}
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def register(app: Any) -> dict[str, bool]:
    """Connect the hooks to a Sphinx application."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", on_source)
    # Before napoleon, which has the priority 500 and turns Google style into reStructuredText.
    app.connect("autodoc-process-docstring", on_docstring, priority=100)
    if find_spec("latex2mathml"):
        app.add_html_math_renderer("mathml", (inline_equation, None), (equation, None))
        app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Any) -> None:
    """Write the reference pages and the pages of the project into `generated/`."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(exist_ok=True)
    pages = site_reference.pages(ROOT)
    for name, file in PROJECT_PAGES.items():
        pages[name] = relinked((ROOT / file).read_text(), ROOT / file, folder, Path(app.srcdir))
    for name, text in pages.items():
        page = folder / f"{name}.md"
        if not page.exists() or page.read_text() != text:  # Unchanged pages are not built again.
            page.write_text(text)
    for page in folder.glob("*.md"):
        if page.stem not in pages:
            page.unlink()


def on_source(app: Any, name: str, source: list[str]) -> None:
    """Point the links of a page out of docs/ to pages of the site; add the sidebar to the index."""
    if name.startswith(FOLDER):
        return
    srcdir = Path(app.srcdir)
    source[0] = relinked(source[0], ROOT / "docs" / f"{name}.md", srcdir, srcdir)
    if name == app.config.root_doc:
        source[0] = with_generated(source[0], srcdir / FOLDER)
        source[0] += sidebar(source[0])


def with_generated(text: str, folder: Path) -> str:
    """Return index.md with links to the reference pages in the place of its marker."""
    links = ""
    for name in site_reference.NAMES:
        title = (folder / f"{name}.md").read_text().partition("\n")[0].strip("# ")
        links += f"- [{title}]({FOLDER}/{name}.md)\n"
    return text.replace(f"{MARKER}\n", links)


def relinked(text: str, file: Path, folder: Path, srcdir: Path) -> str:
    """Return the Markdown of a file with the links that it needs as a page in another folder.

    Links to pages of the site lead to these pages, links to other files to the files; a link to a
    directory becomes text.
    """
    pages = {ROOT / path: srcdir / FOLDER / f"{name}.md" for name, path in PROJECT_PAGES.items()}
    pages[ROOT / "README.md"] = srcdir / "index.md"

    def replace(match: re.Match[str]) -> str:
        text, target, anchor = match["text"], match["target"], match["anchor"] or ""
        path = (file.parent / target).resolve()
        if ":" in target:
            return match[0]
        if path.is_dir():
            return text
        inside = path.relative_to(ROOT / "docs") if path.is_relative_to(ROOT / "docs") else None
        place = srcdir / inside if inside else pages.get(path, path)
        if re.fullmatch(r"(docs/)?[\w-]+\.md", text):
            text = ""  # The title of the page is shown in the place of its file name.
        return (
            f"[{text}]({os.path.relpath(place, folder)}{anchor if place.suffix == '.md' else ''})"
        )

    return _outside_code(text, lambda part: _LINK.sub(replace, part))


def _outside_code(text: str, change: Callable[[str], str]) -> str:
    """Apply a change to the parts of a Markdown text that are not fenced code."""
    parts, end = [], 0
    for fence in _FENCE.finditer(text):
        parts += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, change(text[end:])])


def sidebar(text: str) -> str:
    """Return the hidden tables of contents of the sections of index.md, from their links."""
    trees = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        caption, _, body = section.partition("\n")
        links = re.findall(r"^[-*|] *\[([^\]]+)\]\(([\w./-]+)\.md\)", body, re.MULTILINE)
        entries = "\n".join(f"{title} <{page}>" for title, page in links)
        if entries:
            trees.append(f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n")
    return "".join(trees)


def on_docstring(app: Any, kind: str, name: str, item: Any, options: Any, lines: list[str]) -> None:
    """Keep the lines of equations apart and bars as they are; both have a meaning in Sphinx."""
    changed: list[str] = []
    outer = inside = False  # whether the last text is not indented; whether this is an equation
    for line in lines:
        indented = line.startswith("    ")
        if indented and not inside and outer and changed and not changed[-1]:
            changed += ["::", ""]
            inside = True
        elif line and not indented:
            inside = False
        outer = outer if not line else not indented
        changed.append(line if inside else re.sub(r"(?<!`)\|(?!`)", r"\\|", line))
    lines[:] = changed


def inline_equation(translator: Any, node: Any) -> None:
    """Write an equation in the text as MathML, which needs no script in the browser."""
    translator.body.append(_mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def equation(translator: Any, node: Any) -> None:
    """Write an equation of its own as MathML."""
    translator.body.append(f'<div class="math">{_mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


def _mathml(latex: str, display: str) -> str:
    from latex2mathml.converter import convert

    return str(convert(latex, display=display))
