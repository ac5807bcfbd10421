"""Widgets for the fields of the settings: name, bounds, choices and help come from the field itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from app.local_data import typed_path
from app.server import rules
from app.words import setting_name
from gnl_core.names import TEACHER_NAMES

UNSET = {  # meaning of None, by field
    "limit": "all",
    "learning_rate": "the method's own",
    "teacher_weights": "bundled or downloaded unless you give a file",
}
PATHS = ("teacher_weights",)  # typed on the page alone: no address names a file to open
CHOICES = {
    "teacher": tuple(TEACHER_NAMES)
}  # choices offered for fields that accept any text; others can be typed where the server allows it


def setting_inputs(fields: Mapping[str, FieldInfo], *, prefix: str, unset: str | None = None) -> dict[str, Any]:
    """Draw a widget for each field.

    Args:
        fields: Fields of a settings record by name.
        prefix: Prefix of the widgets' keys, which are also their query parameters.
        unset: Placeholder while nothing is chosen; None for the field's default.

    Returns:
        The fields with a value.
    """
    given = {name: setting_input(name, field, key=f"{prefix}{name}", unset=unset) for name, field in fields.items()}
    return {name: value for name, value in given.items() if value is not None}


def setting_input(name: str, field: FieldInfo, *, key: str, unset: str | None) -> Any:
    """Draw the widget of one field; None while nothing is chosen."""
    placeholder = unset or (UNSET.get(name, "") if field.default is None else str(field.default))
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else CHOICES.get(name)
    if choices:
        return st.selectbox(
            setting_name(name),
            choices,
            index=None,
            placeholder=placeholder,
            key=key,
            bind="query-params",
            help=field.description,
            accept_new_options=name in CHOICES and rules.may_name_any_teacher(),
        )
    if name in PATHS:
        text = st.text_input(setting_name(name), key=key, placeholder=placeholder, help=field.description)
        return typed_path(text)
    low, high, step = number_bounds(field)
    return st.number_input(
        setting_name(name),
        low,
        high,
        value=None,
        step=step,
        placeholder=placeholder,
        key=key,
        bind="query-params",
        help=field.description,
        format=None if isinstance(step, int) else "%g",
    )


def number_bounds(field: FieldInfo) -> tuple[float, float | None, float]:
    """Return the minimum, maximum and step of a number widget; all are integers for an integer field."""
    whole = int in (field.annotation, *get_args(field.annotation))
    limits = {type(limit): limit for limit in field.metadata}
    step = 1 if whole else smallest_step(field.default)
    low = limits[Gt].gt + (1 if whole else step / 100) if Gt in limits else limits[Ge].ge
    high = limits[Le].le if Le in limits else None
    return (int(low), None if high is None else int(high), 1) if whole else (float(low), high and float(high), step)


def smallest_step(default: float | None) -> float:
    """Choose a step by the default's magnitude: 1 for 10, 0.01 for 0.1; without a default, 0.001."""
    if default is None:
        return 0.001
    return next((step for step in (1.0, 0.1, 0.01) if default >= 10 * step), 0.001) if default else 0.5
