"""Build the HTML files of a page and of the lesson."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gnl_core.names import DATASET_NAMES
from gnl_core.page.records import Model, View
from gnl_core.page.runtime import VERSION as RUNTIME_VERSION
from gnl_core.page.runtime import runtime_blocks
from gnl_core.templates import render

LESSON = ("parts", "digits")  # the data sets of the lesson


def build_page(view: View, models: Sequence[Model] = ()) -> str:
    """Return a self-contained HTML file, which loads nothing from anywhere.

    Args:
        view: What the page shows.
        models: One model per method, for a page that scores images itself; else empty.
    """
    blocks = {f"model-{index}": model.content for index, model in enumerate(models)}
    return render(
        "page/page.html",
        title=f"{view.title}: {view.task}",
        view=as_fields(view),
        models=[as_fields(model._replace(content="")) for model in models],
        blocks=blocks | runtime_blocks() if models else {},
        runtime_version=RUNTIME_VERSION,
    )


def build_lesson(views: Sequence[View]) -> str:
    """Return the lesson as a self-contained HTML file.

    Args:
        views: The rendered parts, whose first method is taught with, and the digits.

    Raises:
        ValueError: If these are other data sets, which the lesson's text does not fit.
    """
    by_title = {view.title: view for view in views}
    missing = [name for name in LESSON if DATASET_NAMES[name] not in by_title]
    if missing or len(views) != len(LESSON):
        raise ValueError(
            f"the lesson is about runs on {' and '.join(LESSON)}; give at least one run of each, and no other"
        )
    taught = [by_title[DATASET_NAMES[name]] for name in LESSON]
    return render("page/lesson.html", methods=describe_methods(taught), views=as_fields(list(taught)))


def describe_methods(views: Sequence[View]) -> str:
    """Name the methods of the lesson, each with where its numbers come from."""
    return "; ".join(f"{view.methods[0].name} on {view.title.lower()}, {view.methods[0].origin}" for view in views)


def as_fields(value: Any) -> Any:
    """Convert records to dictionaries by field name, at any depth."""
    if hasattr(value, "_asdict"):
        return as_fields(value._asdict())
    if isinstance(value, dict):
        return {key: as_fields(field) for key, field in value.items()}
    return [as_fields(field) for field in value] if isinstance(value, list) else value
