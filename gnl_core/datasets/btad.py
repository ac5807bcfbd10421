"""BTAD (Mishra et al., 2021): three industrial products, photographed by beanTech, with body and surface defects."""

from __future__ import annotations

from gnl_core.datasets.mvtec_layout import Layout, make_spec

BTAD = make_spec(
    Layout(
        "btad",
        "BTAD",
        folders=("btad", "btad/BTech_Dataset_transformed", "BTech_Dataset_transformed"),
        training="train/ok",
    ),
    summary="Three industrial products with masked defects",
    classes=("01", "02", "03"),
    licence="CC BY-SA 4.0",
    page="github.com/pankajmishra000/VT-ADL",
)
