"""MPDD (Jezek et al., 2021): painted metal parts in production, with defects and their masks."""

from __future__ import annotations

from gnl_core.datasets.base import NOT_STATED
from gnl_core.datasets.mvtec_layout import Layout, make_spec

MPDD = make_spec(
    Layout("mpdd", "MPDD", folders=("mpdd",)),
    summary="Six kinds of metal parts in production with masked defects",
    classes=("bracket_black", "bracket_brown", "bracket_white", "connector", "metal_plate", "tubes"),
    licence=NOT_STATED,
    page="github.com/stepanje/MPDD",
)
