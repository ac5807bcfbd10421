"""MVTec AD (Bergmann et al., 2019): fifteen kinds of objects and textures with defects, each with a mask."""

from __future__ import annotations

from gnl_core.datasets.mvtec_layout import Layout, make_spec

MVTEC = make_spec(
    Layout("mvtec", "MVTec AD", folders=("mvtec", "mvtec_anomaly_detection", "mvtec_ad")),
    summary="Fifteen kinds of industrial objects and textures with masked defects",
    classes=(
        "bottle",
        "cable",
        "capsule",
        "carpet",
        "grid",
        "hazelnut",
        "leather",
        "metal_nut",
        "pill",
        "screw",
        "tile",
        "toothbrush",
        "transistor",
        "wood",
        "zipper",
    ),
    licence="CC BY-NC-SA 4.0",
    page="www.mvtec.com/company/research/datasets/mvtec-ad",
)
