from __future__ import annotations

from pathlib import Path

import pytest

from gnl_core.datasets import find_dataset, list_items, list_train_items
from gnl_core.datasets.accounting import find_skipped_files
from gnl_core.datasets.base import Item
from gnl_core.datasets.csv_file import open_csv
from gnl_core.datasets.reading import format_reading
from tests.gnl_core.datasets.trees import MARKED_PIXELS, write_csv, write_images

HEADER = "path,split,label,domain,mask"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_csv(tmp_path)
    return tmp_path


def scored(root: Path, domain: str) -> list[Item]:
    return list_items("csv", normal_class="good", domain=domain, root=root)


def write_table(root: Path, *rows: str) -> None:
    (root / "images.csv").write_text("\n".join(rows), encoding="utf-8")


def facts(items: list[Item]) -> list[tuple[str, int, str, str]]:
    return [(item.path, item.label, item.category, item.domain) for item in items]


def test_the_domain_of_the_training_images_is_the_in_distribution_one(root: Path):
    spec = find_dataset("csv", root)
    assert (spec.classes, spec.domains) == (("good",), ("lamp", "dusk", "window"))
    training = list_train_items("csv", normal_class="good", root=root)
    assert facts(training) == [(f"photos/a{n}.png", 0, "good", "lamp") for n in range(4)]


def test_labels_name_normal_anomalous_and_unlabelled_images_and_kinds_of_defects(root: Path):
    assert facts(scored(root, "lamp")) == [("photos/b0.png", 0, "good", "lamp"), ("photos/b1.png", 1, "hole", "lamp")]
    assert facts(scored(root, "window"))[1] == ("photos/c1.png", 1, "anomalous", "window")
    assert facts(scored(root, "dusk")) == [("photos/d0.png", -1, "unlabelled", "dusk")]
    assert [item.mask().sum() for item in scored(root, "lamp") if item.mask] == [MARKED_PIXELS]


@pytest.mark.parametrize(
    ("normal", "anomalous"), [("0", "1"), ("0.0", "1.0"), ("OK", "NG"), ("Normal", "dent"), ("io", "bad")]
)
def test_accepted_labels(root: Path, normal: str, anomalous: str):
    rows = ("photos/a0.png,train,", f"photos/b0.png,test,{normal}", f"photos/b1.png,test,{anomalous}")
    write_table(root, "path,split,label", *rows)
    assert [item.label for item in scored(root, "test")] == [0, 1]


def test_path_and_split_are_enough(root: Path):
    write_table(root, "Path;Split", "photos/a0.png;Training", "photos\\b0.png;Testing")
    assert find_dataset("csv", root).domains == ("test",)
    assert facts(scored(root, "test")) == [("photos/b0.png", -1, "unlabelled", "test")]


@pytest.mark.parametrize("folder", ["", "{root}/"])
def test_tables_of_anomalib_are_read_as_they_are(root: Path, folder: str):
    rows = (
        ("0,{root},train,good,{}photos/a0.png,0,"),
        ("1,{root},val,normal_test,{}photos/b0.png,0,"),
        ("2,{root},test,hole,{}photos/b1.png,1,{}masks/b1.png"),
    )
    written = [row.replace("{}", folder).replace("{root}", str(root)) for row in rows]
    write_table(root, ",path,split,label,image_path,label_index,mask_path", *written)
    assert facts(list_train_items("csv", normal_class="good", root=root)) == [("photos/a0.png", 0, "good", "test")]
    tested = scored(root, "test")
    assert facts(tested) == [("photos/b0.png", 0, "good", "test"), ("photos/b1.png", 1, "hole", "test")]
    assert [item.mask().sum() for item in tested if item.mask] == [MARKED_PIXELS]


@pytest.mark.parametrize("column", ["image_path", "image", "file_name", "Filename", "file"])
def test_accepted_columns_of_images_and_labels(root: Path, column: str):
    write_table(
        root, f"{column},label_index,split", "photos/a0.png,0,train", "photos/b0.png,0,test", "photos/b1.png,1,valid"
    )
    assert [item.label for item in scored(root, "test")] == [0, 1]


def test_files_that_no_row_names_are_reported_as_skipped_and_the_table_is_not(root: Path):
    write_images(root, "photos/z.png")
    spec = open_csv(root)
    everything = [*spec.train_items(root, "good"), *(item for domain in spec.domains for item in scored(root, domain))]
    assert [one.file.name for one in find_skipped_files(everything, lists=spec.lists(root))] == ["z.png"]
    assert spec.folders == ("masks", "photos")


def test_the_interpretation_is_one_line(root: Path):
    assert format_reading(root, dataset="csv") == [
        f"read {root / 'images.csv'}: lamp: 4 training; lamp: 1 normal; lamp: 1 anomalous (1 with a mask); "
        "dusk: 1 unlabelled; window: 1 normal; window: 1 anomalous"
    ]


def test_a_changed_table_is_read_again(root: Path):
    scored(root, "dusk")
    table = root / "images.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("dusk", "dawn "), encoding="utf-8")
    assert [item.domain for item in scored(root, "dawn")] == ["dawn"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("photos/none.png,test,0,lamp,", r"row 3 of .*images\.csv names 'photos/none\.png', but there is no file"),
        (
            "../b0.png,test,0,lamp,",
            r"row 3 of .* names '\.\./b0\.png'; expected a path below .*, such as images/001\.png",
        ),
        ("/etc/b0.png,test,0,lamp,", "row 3 of .* names '/etc/b0.png'; expected a path below"),
        ("C:\\b0.png,test,0,lamp,", "row 3 of .* expected a path below"),
        ("photos/b0.txt,test,0,lamp,", r"row 3 of .* names 'photos/b0\.txt'; expected a PNG, JPEG"),
        (",test,0,lamp,", "row 3 of .* cannot be read: path = ''"),
        (".,test,0,lamp,", "row 3 of .* names '.'; expected a PNG, JPEG"),
        ("photos/b0.png,later,0,lamp,", "row 3 of .* has the split 'later'; expected train or test"),
        ("photos/b0.png,test,2,lamp,", "row 3 of .* has the label '2'; expected 0, 1, good, bad, a kind of defect"),
        (
            "photos/b0.png,train,bad,lamp,",
            "row 3 of .* is to be trained on, but has the label 'bad'; expected a normal",
        ),
        (
            "photos/b0.png,test,0,train,",
            "row 3 of .* has the domain 'train'; expected a name other than train, held_out",
        ),
        ("photos/b0.png,test,0,../up,", r"row 3 of .* has the domain '\.\./up'"),
        ("photos/b0.png,test,1,lamp,masks/none.png", r"row 3 of .* names 'masks/none\.png', but there is no file"),
        ("photos/a0.png,test,0,lamp,", "rows 2 and 3 of .* name the same image; remove one of them"),
        ("photos/b0.png,train,0,window,", "has images of 'lamp' and 'window' to train on; expected one domain"),
        ("photos/b0.png,test,0,window,", "trains on the domain 'lamp', but has no image of it to score"),
        (
            "photos/b0.png,test,0,lamp,",
            "has 1 normal, 0 anomalous and 0 unlabelled images of the domain 'lamp' to score",
        ),
    ],
)
def test_an_unusable_row_is_reported_in_one_sentence(root: Path, row: str, words: str):
    write_table(root, HEADER, "photos/a0.png,train,0,lamp,", row)
    with pytest.raises(ValueError, match=words) as told:
        open_csv(root)
    assert "\n" not in str(told.value)


def test_a_table_without_training_images_is_reported(root: Path):
    write_table(root, HEADER, "photos/b0.png,test,0,lamp,")
    with pytest.raises(ValueError, match="has no row with 'train' in the column split; expected normal images"):
        open_csv(root)


def test_a_link_out_of_the_tables_folder_is_refused(root: Path, tmp_path_factory: pytest.TempPathFactory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_images(elsewhere, "b9.png")
    (root / "photos/b9.png").symlink_to(elsewhere / "b9.png")
    write_table(root, HEADER, "photos/a0.png,train,0,lamp,", "photos/b9.png,test,0,lamp,")
    with pytest.raises(ValueError, match=r"b9\.png leads out of .* through a symlink"):
        open_csv(root)


def test_the_usual_name_or_the_only_table_is_read(root: Path):
    (root / "other.csv").write_text("anything", encoding="utf-8")
    assert len(scored(root, "lamp")) == 2
    (root / "images.csv").rename(root / "labels.CSV")
    with pytest.raises(
        ValueError, match=r"labels\.CSV and other\.csv could both name the images; call one of them images"
    ):
        open_csv(root)
    (root / "other.csv").unlink()
    assert len(scored(root, "lamp")) == 2


def test_a_folder_without_a_table_is_reported(tmp_path: Path):
    with pytest.raises(
        ValueError, match=r"no CSV file in .*; expected images\.csv with the columns path, split, label"
    ):
        open_csv(tmp_path)
