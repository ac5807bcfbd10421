"""HTML from templates, which are files next to the code that fills them in."""

from __future__ import annotations

from typing import Any

import jinja2

TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("gnl_core", package_path=""),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """Fill in a template; every text is escaped.

    Args:
        template: Its path below gnl_core/, such as "metrics/report.html".
        **values: The values that it names.

    Raises:
        jinja2.TemplateError: If there is no such template, or a value that it names is missing.
    """
    return TEMPLATES.get_template(template).render(**values)
