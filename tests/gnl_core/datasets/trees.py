"""Small made-up trees in the layouts in which data sets are published."""

from __future__ import annotations

import shutil
import zlib
from pathlib import Path

import numpy as np
import PIL.Image

SIZE = (12, 8)  # width and height
MARKED = (slice(2, 5), slice(3, 9))
MARKED_PIXELS = 18


def write_images(folder: Path, *names: str) -> None:
    """Write images of random pixels, which their names determine."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(zlib.crc32(name.encode())).integers(256, size=(*SIZE[::-1], 3), dtype=np.uint8)
        PIL.Image.fromarray(pixels).save(path)


def write_masks(folder: Path, *names: str, level: int = 255) -> None:
    """Write masks with a marked rectangle of one level; level 0 marks nothing."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        levels = np.zeros(SIZE[::-1], np.uint8)
        levels[MARKED] = level
        PIL.Image.fromarray(levels).save(path)


def write_category(folder: Path, *defects: str) -> None:
    """Write a category in MVTec AD's layout."""
    write_images(folder, *(f"train/good/{n:03}.png" for n in range(4)))
    write_images(folder, *(f"test/{kind}/{n:03}.png" for kind in ("good", *defects) for n in range(2)))
    write_masks(folder, *(f"ground_truth/{kind}/{n:03}_mask.png" for kind in defects for n in range(2)))


def write_mvtec(root: Path) -> None:
    """MVTec AD."""
    write_category(root / "mvtec/bottle", "hole", "scratch")


def write_btad(root: Path) -> None:
    """BTAD, whose images of product 1 are BMP files and whose masks have their names."""
    folder = root / "btad/01"
    write_images(folder, *(f"train/ok/{n:04}.bmp" for n in range(4)))
    write_images(folder, *(f"test/{kind}/{n:04}.bmp" for kind in ("ok", "ko") for n in range(2)))
    write_masks(folder, *(f"ground_truth/ko/{n:04}.png" for n in range(2)))


def write_mpdd(root: Path) -> None:
    """MPDD."""
    write_category(root / "mpdd/bracket_black", "hole", "scratches")


def write_visa(root: Path) -> None:
    """VisA as published: the images of an object in two folders, divided by a list of all objects."""
    folder = root / "visa"
    normal = [f"candle/Data/Images/Normal/{n:04}.JPG" for n in range(6)]
    anomalous = [f"candle/Data/Images/Anomaly/{n:03}.JPG" for n in range(2)]
    masks = [f"candle/Data/Masks/Anomaly/{n:03}.png" for n in range(2)]
    write_images(folder, *normal, *anomalous)
    write_masks(folder, *masks, level=1)  # masks hold class indices
    (folder / "split_csv").mkdir()
    rows = [
        "object,split,label,image,mask",
        "cashew,train,normal,cashew/Data/Images/Normal/0000.JPG,",
        *(f"candle,{'train' if n < 4 else 'test'},normal,{image}," for n, image in enumerate(normal)),
        *(f"candle,test,anomaly,{image},{mask}" for image, mask in zip(anomalous, masks, strict=True)),
    ]
    (folder / "split_csv/1cls.csv").write_text("\n".join(rows), encoding="utf-8")


def write_mvtec_loco(root: Path) -> None:
    """MVTec LOCO AD, with one or several masks of each anomalous image, and its normal images for validation."""
    folder = root / "mvtec_loco/pushpins"
    write_category(folder, "logical_anomalies", "structural_anomalies")
    write_images(folder, "validation/good/000.png")
    shutil.rmtree(folder / "ground_truth")
    for kind in ("logical_anomalies", "structural_anomalies"):
        write_masks(folder, *(f"ground_truth/{kind}/{n:03}/000.png" for n in range(2)), level=251)
    write_masks(folder, "ground_truth/logical_anomalies/001/001.png", level=0)
    (folder / "defects_config.json").write_text("[]", encoding="utf-8")


def write_mvtec2(root: Path) -> None:
    """MVTec AD 2: the light is in the images' names; the private parts have no labels."""
    folder = root / "mvtec_ad_2/can"
    lights = ("regular", "overexposed", "underexposed", "shift_1", "shift_2", "shift_3")
    scenes = [f"{n:03}_{light}" for n in range(2) for light in lights]
    write_images(folder, *(f"train/good/{n:03}_regular.png" for n in range(4)), "validation/good/000_regular.png")
    write_images(folder, *(f"test_public/{kind}/{scene}.png" for kind in ("good", "bad") for scene in scenes))
    write_masks(folder, *(f"test_public/ground_truth/bad/{scene}_mask.png" for scene in scenes))
    write_images(
        folder, "test_private/000_regular.png", "test_private/001_regular.png", "test_private_mixed/000_mixed.png"
    )


def write_aebad(root: Path) -> None:
    """AeBAD-S: folders of conditions below each kind; one defect is not there in every condition."""
    folder = root / "AeBAD/AeBAD_S"
    conditions = ("same", "background", "illumination", "view")
    places = [(kind, condition) for kind in ("good", "ablation") for condition in conditions]
    places += [("fracture", "same"), ("fracture", "view")]
    write_images(folder, *(f"train/good/{condition}/{n:03}.png" for condition in conditions[1:] for n in range(2)))
    write_images(folder, *(f"test/{kind}/{condition}/{n:03}.png" for kind, condition in places for n in range(2)))
    defects = [place for place in places if place[0] != "good"]
    write_masks(folder, *(f"ground_truth/{kind}/{place}/{n:03}.png" for kind, place in defects for n in range(2)))


def write_ksdd2(root: Path) -> None:
    """KolektorSDD2: an image and its mask side by side, also of normal images; anomalies among those for training."""
    folder = root / "KSDD2"
    normal = [f"train/1000{n}" for n in range(4)] + ["test/20000", "test/20001"]
    anomalous = ["train/10004", "test/20002"]
    write_images(folder, *(f"{image}.png" for image in normal + anomalous))
    write_masks(folder, *(f"{image}_GT.png" for image in normal), level=0)
    write_masks(folder, *(f"{image}_GT.png" for image in anomalous))


def write_csv(root: Path) -> None:
    """A table of one's own with two domains, and a third without labels."""
    training = [f"photos/a{n}.png" for n in range(4)]
    tested = {"photos/b0.png": "0", "photos/b1.png": "hole", "photos/c0.png": "good", "photos/c1.png": "1"}
    write_images(root, *training, *tested, "photos/d0.png")
    write_masks(root, "masks/b1.png")
    rows = [
        "path,label,domain,split,mask",
        *(f"{path},good,lamp,train," for path in training),
        "photos/d0.png,,dusk,test,",
        *(f"{path},{label},{'lamp' if '/b' in path else 'window'},test," for path, label in tested.items()),
    ]
    table = "\n".join(rows).replace("photos/b1.png,hole,lamp,test,", "photos/b1.png,hole,lamp,test,masks/b1.png")
    (root / "images.csv").write_text(table, encoding="utf-8")


TREES = {  # what fills a data root, by the data set's name
    "mvtec": write_mvtec,
    "btad": write_btad,
    "mpdd": write_mpdd,
    "visa": write_visa,
    "mvtec_loco": write_mvtec_loco,
    "mvtec2": write_mvtec2,
    "aebad": write_aebad,
    "ksdd2": write_ksdd2,
    "csv": write_csv,
}
