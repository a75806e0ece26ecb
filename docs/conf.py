# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Configuration of Sphinx for the documentation site; `make docs` and rosdoc2 read it.

The pages are Markdown that GitHub shows as well. Reference pages are written into `generated/`
from the code before each build, and the sidebar is made from the lists of links in index.md.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

# rosdoc2 executes this file in a copy of docs/, with the packages of the repository on its path.
_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent)]

from site_builder import register  # noqa: E402

import jasmine_core  # noqa: E402

project = "Jasmine ROS"
author = "Jasmine ROS maintainers"
copyright = "2026 Jasmine ROS maintainers, Apache-2.0"
release = version = jasmine_core.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
if find_spec("sphinx_copybutton"):
    extensions.append("sphinx_copybutton")
source_suffix = {".md": "markdown"}
root_doc = "index"

# Links are those of GitHub: to files, and to headings by their slugs. Equations are in dollars.
myst_heading_anchors = 4
myst_enable_extensions = ["dollarmath"]
# Two hyphens begin an option; they are not a dash.
smartquotes = False
# A block without a language is output or a sketch of folders, not Python.
highlight_language = "text"

# Names between single backquotes are code in docstrings too.
default_role = "literal"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
# Packages of extras that only some installations have.
autodoc_mock_imports = [
    name
    for name in ("accelerate", "diffusers", "safetensors", "torch", "tqdm", "rosbags")
    if find_spec(name) is None
]

html_title = f"Jasmine ROS {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
# rosdoc2 has the theme of Read the Docs only; it has no dark mode.
html_theme = "furo" if find_spec("furo") else "sphinx_rtd_theme"
if html_theme == "furo":
    _blue = {"color-brand-primary": "#1f5fbf", "color-brand-content": "#1f5fbf"}
    _light = {"color-brand-primary": "#8ab4f8", "color-brand-content": "#8ab4f8"}
    html_theme_options = {"light_css_variables": _blue, "dark_css_variables": _light}
rosdoc2_settings = {"override_theme": False, "allow_other_extensions": True}

setup = register
