"""Build the HTML file of a page."""

from __future__ import annotations

from typing import Any

from gnl_core.page.records import View
from gnl_core.templates import render


def build_page(view: View) -> str:
    """Return a self-contained HTML file, which loads nothing from anywhere."""
    return render("page/page.html", title=f"{view.title}: {view.task}", view=as_fields(view))


def as_fields(value: Any) -> Any:
    """Convert records to dictionaries by field name, at any depth."""
    if hasattr(value, "_asdict"):
        return as_fields(value._asdict())
    if isinstance(value, dict):
        return {key: as_fields(field) for key, field in value.items()}
    return [as_fields(field) for field in value] if isinstance(value, list) else value
