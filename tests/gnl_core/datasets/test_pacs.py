from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from gnl_core.datasets.pacs import PACS


def write_pacs(folder: Path, *, per_class: int = 5) -> None:
    for domain in PACS.domains:
        for name in ("dog", "horse"):
            (folder / domain / name).mkdir(parents=True)
            for index in range(per_class):
                ending = "png" if domain == "sketch" else "jpg"
                PIL.Image.new("RGB", (8, 8)).save(folder / domain / name / f"pic_{index:03d}.{ending}")


def write_lists(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train = ["photo/dog/pic_003.jpg 1", "photo/horse/pic_000.jpg 5", "photo/dog/pic_001.jpg 1"]
    test = ["photo/dog/pic_000.jpg 1", "photo/horse/pic_004.jpg 5", ""]
    (folder / "photo_train_kfold.txt").write_text("\n".join(train))
    (folder / "photo_crossval_kfold.txt").write_text("\n".join(test))
    (folder / "photo_test_kfold.txt").write_text("\n".join(train + test))  # as the original: all photos


LAYOUTS = {
    "lists beside the domains": ("pacs", "pacs"),
    "lists in a folder of their own": ("pacs/images", "pacs/splits"),
    "as published": ("pacs/Raw images/kfold", "pacs/Train val splits and h5py files pre-read"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_train_list_trains_and_the_crossval_list_tests(tmp_path: Path, layout: str):
    images, lists = LAYOUTS[layout]
    write_pacs(tmp_path / images)
    write_lists(tmp_path / lists)
    train, test = PACS.train_items(tmp_path, "dog"), PACS.test_items(tmp_path, "dog", "photo")
    assert [item.path for item in train] == ["pacs/photo/dog/pic_003.jpg", "pacs/photo/dog/pic_001.jpg"]
    assert [(item.path, item.label, item.category) for item in test] == [
        ("pacs/photo/dog/pic_000.jpg", 0, "dog"),
        ("pacs/photo/horse/pic_004.jpg", 1, "horse"),
    ]
    assert {item.domain for item in train + test} == {"photo"}
    assert train[0].read().shape == (8, 8, 3)


def test_without_lists_the_first_four_fifths_by_name_train_and_the_rest_tests(tmp_path: Path):
    write_pacs(tmp_path / "pacs", per_class=7)  # 5.6 of 7: 5
    train, test = PACS.train_items(tmp_path, "horse"), PACS.test_items(tmp_path, "horse", "photo")
    assert [item.path[-7:] for item in train] == ["000.jpg", "001.jpg", "002.jpg", "003.jpg", "004.jpg"]
    assert [(item.category, item.path[-7:], item.label) for item in test] == [
        ("dog", "005.jpg", 1),
        ("dog", "006.jpg", 1),
        ("horse", "005.jpg", 0),
        ("horse", "006.jpg", 0),
    ]


@pytest.mark.parametrize("domain", PACS.shifted)
def test_all_images_of_a_shifted_domain_are_tested_with_or_without_lists(tmp_path: Path, domain: str):
    write_pacs(tmp_path / "pacs")
    unlisted = [item.path for item in PACS.test_items(tmp_path, "dog", domain)]
    write_lists(tmp_path / "pacs")
    items = PACS.test_items(tmp_path, "dog", domain)
    assert [(item.category, item.label) for item in items] == [("dog", 0)] * 5 + [("horse", 1)] * 5
    assert {item.domain for item in items} == {domain}
    assert items[0].path.startswith(f"pacs/{domain}/dog/pic_000.")
    assert [item.path for item in items] == unlisted


def test_a_class_without_a_folder_is_absent_and_the_others_are_anomalies(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    assert {item.label for item in PACS.test_items(tmp_path, "house", "cartoon")} == {1}


def test_folders_that_are_not_classes_are_left_out(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    (tmp_path / "pacs" / "sketch" / "extra").mkdir()
    assert {item.category for item in PACS.test_items(tmp_path, "dog", "sketch")} == {"dog", "horse"}


def test_a_missing_listed_photo_is_reported_when_it_is_read(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    write_lists(tmp_path / "pacs")
    (tmp_path / "pacs" / "photo" / "dog" / "pic_003.jpg").unlink()
    with pytest.raises(ValueError, match=r"no image file at .*pic_003\.jpg"):
        PACS.train_items(tmp_path, "dog")[0].read()


@pytest.mark.parametrize("line", ["photo/dog/a.jpg", "photo/cat/a.jpg 1", "sketch/dog/a.jpg 1", "photo/dog/.. 1", "x"])
def test_a_line_of_another_form_is_reported_with_its_number(tmp_path: Path, line: str):
    write_pacs(tmp_path / "pacs")
    write_lists(tmp_path / "pacs")
    (tmp_path / "pacs" / "photo_train_kfold.txt").write_text(f"photo/dog/pic_001.jpg 1\n{line}\n")
    with pytest.raises(
        ValueError, match=r"line 2 of .*photo_train_kfold\.txt is '.*'; expected a line like 'photo/dog"
    ):
        PACS.train_items(tmp_path, "dog")


def test_a_list_that_is_not_text_is_reported(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    write_lists(tmp_path / "pacs")
    (tmp_path / "pacs" / "photo_train_kfold.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"photo_train_kfold\.txt cannot be read as text; copy it again"):
        PACS.train_items(tmp_path, "dog")


def test_one_list_without_the_other_is_reported(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    write_lists(tmp_path / "pacs")
    (tmp_path / "pacs" / "photo_train_kfold.txt").unlink()
    with pytest.raises(ValueError, match=r"photo_crossval_kfold\.txt is one of two lists; expected photo_train_kfold"):
        PACS.test_items(tmp_path, "dog", "photo")


def test_missing_data_is_reported(tmp_path: Path):
    with pytest.raises(ValueError, match=r"no folder .*/pacs; expected pacs/<domain>/<class>"):
        PACS.train_items(tmp_path, "dog")
    write_pacs(tmp_path / "pacs")
    with pytest.raises(ValueError, match=r"no photos of 'guitar' to train on in .*photo"):
        PACS.train_items(tmp_path, "guitar")
    (tmp_path / "pacs" / "sketch").rename(tmp_path / "pacs" / "sketches")
    with pytest.raises(ValueError, match=r"no folder .*pacs/sketch; expected"):
        PACS.test_items(tmp_path, "dog", "sketch")


def test_an_empty_class_and_a_domain_without_anomalies_are_reported(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    horses = tmp_path / "pacs" / "cartoon" / "horse"
    for path in horses.iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"no images in .*pacs/cartoon/horse; expected"):
        PACS.test_items(tmp_path, "dog", "cartoon")
    horses.rmdir()
    with pytest.raises(ValueError, match=r"no anomalies in .*pacs/cartoon; expected images of something other"):
        PACS.test_items(tmp_path, "dog", "cartoon")


def test_a_listed_photo_that_leads_out_of_the_root_is_refused(tmp_path: Path):
    root = tmp_path / "root"
    write_pacs(root / "pacs")
    write_lists(root / "pacs")
    photo = root / "pacs" / "photo" / "dog" / "pic_003.jpg"
    photo.rename(tmp_path / "outside.jpg")
    photo.symlink_to(tmp_path / "outside.jpg")
    with pytest.raises(ValueError, match=r"pic_003\.jpg leads out of .*root through a symlink"):
        PACS.train_items(root, "dog")


PLACES_OF_LISTS = ("pacs_label", "correct_txt_lists", "splits", "a folder/of any name")


@pytest.mark.parametrize("place", PLACES_OF_LISTS)
def test_lists_are_found_in_the_folders_that_copies_of_pacs_have(tmp_path: Path, place: str):
    write_pacs(tmp_path / "PACS" / "kfold")
    write_lists(tmp_path / "PACS" / place)
    assert [item.path[-7:] for item in PACS.train_items(tmp_path, "dog")] == ["003.jpg", "001.jpg"]
    assert PACS.split(tmp_path) == "official lists"
    assert PACS.lists(tmp_path) == tuple(
        tmp_path / "PACS" / place / name for name in ("photo_train_kfold.txt", "photo_crossval_kfold.txt")
    )


def test_lists_beside_those_of_the_other_domains_are_found(tmp_path: Path):
    write_pacs(tmp_path / "pacs" / "pacs_data")
    write_lists(tmp_path / "pacs" / "pacs_label")
    for domain in PACS.shifted:
        (tmp_path / "pacs" / "pacs_label" / f"{domain}_train_kfold.txt").write_text(f"{domain}/dog/pic_000.jpg 1\n")
    assert len(PACS.train_items(tmp_path, "dog")) == 2


def test_without_lists_the_split_is_named(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    assert PACS.split(tmp_path) == "first 80 % by name"
    assert PACS.lists(tmp_path) == ()


def test_lists_of_other_domains_alone_are_refused_rather_than_splitting_by_name(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    (tmp_path / "pacs" / "pacs_label").mkdir()
    (tmp_path / "pacs" / "pacs_label" / "sketch_train_kfold.txt").write_text("sketch/dog/pic_000.png 1\n")
    with pytest.raises(
        ValueError, match=r"sketch_train_kfold\.txt is one of PACS's split lists, but those of the photos"
    ):
        PACS.train_items(tmp_path, "dog")


def test_a_line_may_name_the_folders_above_the_domain(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    write_lists(tmp_path / "pacs")
    (tmp_path / "pacs" / "photo_train_kfold.txt").write_text("PACS/kfold/photo/dog/pic_001.jpg 0\n")
    assert [item.path for item in PACS.train_items(tmp_path, "dog")] == ["pacs/photo/dog/pic_001.jpg"]


@pytest.mark.parametrize("place", ["pacs_label", "correct_txt_lists"])
def test_lists_elsewhere_train_as_many_dogs_as_the_lists_name(tmp_path: Path, place: str):
    dogs = [f"photo/dog/056_{number:04d}.jpg 1" for number in range(181)]
    (tmp_path / "pacs" / "photo" / "dog").mkdir(parents=True)
    for line in dogs:
        (tmp_path / "pacs" / line.partition(" ")[0]).touch()
    (tmp_path / "pacs" / place).mkdir()
    (tmp_path / "pacs" / place / "photo_train_kfold.txt").write_text("\n".join(dogs[::-1][:151]))
    (tmp_path / "pacs" / place / "photo_crossval_kfold.txt").write_text("\n".join(dogs[::-1][151:]))
    assert len(PACS.train_items(tmp_path, "dog")) == 151  # 144 by name


@pytest.mark.parametrize("art", ["Art_painting", "art painting", "ART", "ArtPainting"])
@pytest.mark.parametrize("listed", [False, True])
def test_domains_and_classes_in_any_spelling_are_those_of_the_paper(tmp_path: Path, art: str, listed: bool):
    write_pacs(tmp_path / "pacs")
    if listed:
        write_lists(tmp_path / "pacs")
    expected = {domain: len(PACS.test_items(tmp_path, "dog", domain)) for domain in PACS.domains}
    for old, new in {"art_painting": art, "photo": "Photo", "sketch": "SKETCH"}.items():
        (tmp_path / "pacs" / old / "dog").rename(tmp_path / "pacs" / old / "Dog")
        (tmp_path / "pacs" / old).rename(tmp_path / "pacs" / new)
    (tmp_path / "pacs").rename(tmp_path / "Pacs")
    for domain in PACS.domains:
        items = PACS.test_items(tmp_path, "dog", domain)
        assert len(items) == expected[domain]
        assert {(item.domain, item.category, item.label) for item in items} == {
            (domain, "dog", 0),
            (domain, "horse", 1),
        }
        assert items[0].read().shape == (8, 8, 3)
    assert {item.category for item in PACS.train_items(tmp_path, "dog")} == {"dog"}


def test_two_spellings_of_a_class_are_both_named(tmp_path: Path):
    write_pacs(tmp_path / "pacs")
    try:
        (tmp_path / "pacs" / "sketch" / "Dog").mkdir()
    except FileExistsError:
        pytest.skip("this file system does not tell upper from lower case")
    with pytest.raises(ValueError, match=r"sketch/Dog and .*sketch/dog have names of the same meaning"):
        PACS.test_items(tmp_path, "dog", "sketch")
