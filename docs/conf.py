"""Configuration of Sphinx for `make docs`. The source folder is the whole project, so that links are paths in it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from pydantic import BaseModel
from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # document this tree, not an installed version

with (ROOT / "pyproject.toml").open("rb") as file:
    release = tomllib.load(file)["project"]["version"]
with (ROOT / "app" / ".streamlit" / "config.toml").open("rb") as file:
    app_theme = tomllib.load(file)["theme"]

project = "GNL"
html_title = f"GNL {release}"
html_theme = "furo"
html_logo = "../assets/logo.svg"
html_favicon = "../assets/logo.svg"
html_static_path = ["site"]
html_css_files = ["site.css"]
html_extra_path = ["site/index.html"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_search_summary = False  # browsers refuse to fetch it for pages opened as files

root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "assets/README.md", "docs/**"]
exclude_patterns = [".*", "build", "runs"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4  # the same names as on the repository's web page

default_role = "py:obj"  # `name` in a docstring: code, and a link if the reference contains it
autodoc_default_options = {"members": True, "member-order": "bysource", "exclude-members": "model_config"}
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a record's fields in one list
napoleon_attr_annotations = False  # the signature has their types
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
add_module_names = False


def css_variables(colours: dict[str, str]) -> dict[str, str]:
    """Map the site theme's variables to the colours of one of the app's two themes."""
    accent, text = colours["greenTextColor"], colours["textColor"]
    return {
        "color-background-primary": colours["backgroundColor"],
        "color-background-secondary": colours["secondaryBackgroundColor"],
        "color-code-background": colours["secondaryBackgroundColor"],
        "color-foreground-primary": text,
        "color-code-foreground": colours["codeTextColor"],
        "color-brand-primary": text,
        "color-brand-content": accent,
        "color-brand-visited": accent,
        "color-api-name": text,
        "color-api-pre-name": text,
        "color-highlight-on-target": colours["secondaryBackgroundColor"],
    }


html_theme_options = {
    "sidebar_hide_name": True,
    "light_css_variables": css_variables(app_theme["light"]),
    "dark_css_variables": css_variables(app_theme["dark"]),
}


def is_settings(documented: object) -> bool:
    """Return whether an object is a settings class, whose fields have descriptions."""
    return isinstance(documented, type) and issubclass(documented, BaseModel)


def keep_asterisks(app: Sphinx, what: str, name: str, documented: object, options: object, lines: list[str]) -> None:
    """Escape asterisks in docstrings, which mean multiplication or unpacking, not emphasis."""
    lines[:] = [line.replace("*", r"\*") for line in lines]


def describe_settings(app: Sphinx, what: str, name: str, documented: Any, options: object, lines: list[str]) -> None:
    """Add each field of a settings class, with its default and description, to the class's docstring."""
    if is_settings(documented):
        own = {name: field for name, field in documented.model_fields.items() if name in documented.__annotations__}
        lines += [f"- ``{name}`` = ``{field.default!r}``: {field.description}" for name, field in own.items()]


def shorten_signature(
    app: Sphinx, what: str, name: str, documented: Any, options: object, signature: str | None, result: str | None
) -> tuple[str, str | None] | None:
    """Remove uninformative signatures: those of settings classes, and those with arbitrary arguments."""
    return ("", result) if is_settings(documented) or (signature or "").startswith("(*args") else None


def skip_field(app: Sphinx, what: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Skip the separate fields of named tuples, because the class's docstring describes them."""
    return True if type(member).__name__ == "_tuplegetter" else None


def offer_dark(app: Sphinx, page: nodes.document) -> None:
    """Add the dark version of each picture, if there is one; the site's theme shows one of the two."""
    folder = Path(app.env.doc2path(app.env.docname)).parent
    for light in list(page.findall(nodes.image)):
        path = Path(light["uri"])
        dark_path = path.with_stem(f"{path.stem}-dark")
        if (folder / dark_path).is_file():
            dark = light.deepcopy()
            dark["uri"] = dark_path.as_posix()
            light["classes"].append("only-light")
            dark["classes"].append("only-dark")
            light.parent.insert(light.parent.index(light) + 1, dark)


def setup(app: Sphinx) -> None:
    """Register this site's extensions of Sphinx."""
    app.connect("autodoc-process-docstring", keep_asterisks, priority=400)  # before Napoleon adds its own
    app.connect("autodoc-process-docstring", describe_settings)
    app.connect("autodoc-process-signature", shorten_signature)
    app.connect("autodoc-skip-member", skip_field)
    app.connect("doctree-read", offer_dark, priority=400)  # before Sphinx collects the pictures
