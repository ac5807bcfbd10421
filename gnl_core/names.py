"""Names of methods, data sets, domains and teachers in sentences and titles."""

from __future__ import annotations

from collections.abc import Iterable

from gnl_core.datasets import DATASETS, OWN
from gnl_core.datasets.corruptions import parse_shift
from gnl_core.datasets.shifts import split_domain

DETECTOR_NAMES = {  # in display order: a baseline before what improves it
    "rd4ad": "RD4AD",
    "gnl": "GNL",
    "rd4ad_augmix": "RD4AD + AugMix",
    "rd4ad_mixstyle": "RD4AD + MixStyle",
    "rd4ad_efdm": "RD4AD + EFDM",
    "rd4ad_jigsaw": "RD4AD + Jigsaw",
    "kdad": "KDAD",
    "f_anogan": "f-AnoGAN",
    "deep_svdd": "Deep SVDD",
    "knn": "kNN",
    "patchcore": "PatchCore",
}
DATASET_NAMES = {
    "digits": "Digits",
    "parts": "Parts (rendered)",
    "mnist": "MNIST",
    "pacs": "PACS",
    "mvtec": "MVTec AD",
    "cifar10": "CIFAR-10",
    "bsdata": "Ball screws (BSData)",
    "btad": "BTAD",
    "mpdd": "MPDD",
    "visa": "VisA",
    "mvtec_loco": "MVTec LOCO AD",
    "mvtec2": "MVTec AD 2",
    "aebad": "Blades (AeBAD-S)",
    "ksdd2": "KolektorSDD2",
    "folder": "Your own images",
    "csv": "Your own CSV file",
}
ENGINE_NAMES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime"}
DOMAIN_NAMES = {
    "digits": "as written",
    "digits_m": "blended with photographs",
    "parts": "in the usual light",
    "parts_lighting": "lit from another side",
    "parts_bright": "overexposed",
    "parts_background": "on another background",
    "parts_blur": "out of focus",
    "parts_noise": "with sensor noise",
    "mnist": "as written",
    "mnist_m": "blended with photographs",
    "photo": "in photos",
    "art_painting": "in art paintings",
    "cartoon": "in cartoons",
    "sketch": "in sketches",
    "mvtec": "as photographed",
    "cifar10": "as photographed",
    "bsdata": "in the first ten days",
    "bsdata_worn": "when worn",
    "bsdata_type_1": "on another machine",
    "btad": "as photographed",
    "mpdd": "as photographed",
    "visa": "as photographed",
    "mvtec_loco": "as photographed",
    "mvtec2": "in the usual light",
    "mvtec2_overexposed": "overexposed",
    "mvtec2_underexposed": "underexposed",
    "mvtec2_shift": "in shifted light",
    "mvtec2_private": "in the usual light, without labels",
    "mvtec2_private_mixed": "in mixed light, without labels",
    "aebad": "in the conditions of training",
    "aebad_background": "on another background",
    "aebad_illumination": "in other light",
    "aebad_view": "from another view",
    "ksdd2": "as photographed",
    "train": "used for training",
}
CORRUPTION_NAMES = {"jpeg": "JPEG"}
TEACHER_NAMES = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "wide_resnet50_2": "Wide ResNet-50-2",
}


def name_of(names: dict[str, str], key: str) -> str:
    """Return the display name of a key, or the key itself if it has none."""
    return names.get(key, key)


def describe_engines(engines: Iterable[str]) -> str:
    """Name what computed the teacher of some scores; "" if that was PyTorch alone, or is not known."""
    known = sorted({*engines}, key=lambda engine: (engine not in ENGINE_NAMES, engine))
    if {*known} <= {"torch"}:
        return ""
    return f"teacher computed by {' and '.join(name_of(ENGINE_NAMES, engine) for engine in known)}"


def domain_name(domain: str) -> str:
    """Return the display name of a domain, with its corruption if it has one."""
    base, shift = split_domain(domain)
    if not shift:
        return DOMAIN_NAMES.get(base, f"in “{base}”")
    corruption, severity = parse_shift(shift)
    return f"under {corruption_name(corruption)}, severity {severity}"


def corruption_name(corruption: str) -> str:
    """Return the display name of a corruption."""
    return CORRUPTION_NAMES.get(corruption, corruption.replace("_", " "))


def task_name(dataset: str, normal_class: str) -> str:
    """Name the two kinds of images to separate, as in "4 from the rest"."""
    if dataset in OWN:
        return "good images from defective ones"
    defects = DATASETS[dataset].anomalies == "defects"
    return f"good {normal_class} images from defective ones" if defects else f"{normal_class} from the rest"
