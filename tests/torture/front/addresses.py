"""Hostile addresses of the pages, drawn from a seed: each parameter with any value, several or repeated at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from app import query_keys as keys
from tests.app.address_keys import ALL_KEYS
from tests.torture.front import values

SCREENS = ("explore", "inspect", "shift_lab", "embeddings", "follow", "train", "compare", "learn")
STEPS = tuple(str(step) for step in range(1, 9))
USUAL = {  # what the pages write, also where it is another page's or another widget's
    keys.DATA: ("digits", "Digits", "Parts (rendered)", "MNIST", "PACS", "Your own images"),
    keys.NORMAL: ("4", "nut", "dog", "0"),
    keys.SHIFT: ("blended with photographs", "defocus_blur", "Defocus blur", "none"),
    keys.SEVERITY: ("1", "5", "6"),
    keys.METHODS: ("GNL", "RD4AD", "kNN"),
    keys.STRENGTH: ("0", "0.5", "1"),
    keys.SIDE: ("Shifted", "In-distribution"),
    keys.IMAGE: ("1", "100", "719"),
    keys.ORIGIN: ("Data set", "Your image", "Camera"),
    keys.ADAPT: ("as it is", "adapt to n of its images", "adapt to k normal images"),
    keys.TRAY: ("8", "16"),
    keys.LINE_ORDER: ("name", "time"),
    "step": STEPS,
    "lecture": ("true", "false"),
    "comparison": ("MNIST", "PACS"),
    "job": ("digits-4-gnl", "new"),
}
COMMON = tuple(value for options in USUAL.values() for value in options)
MOST_REPEATED, LONGEST_REPEATED = 120, 100  # Streamlit ignores an address of more than half a megabyte
LEADING_ON = (  # parameters that make a page read others
    {keys.DATA: ["Your own images"]},
    {keys.DATA: ["MNIST"]},
    {keys.ORIGIN: ["Your image"]},
    {keys.SHIFT: ["blended with photographs"], keys.ADAPT: ["adapt to n of its images"]},
    {"step": ["8"], "lecture": ["true"]},
)
LONGEST = 10_000
READ_ALONG = (keys.FOLDER, keys.ROOT, keys.LINE, "own_folder", keys.TRAY, keys.IMAGE)


class Address(NamedTuple):
    """A page and the values of each parameter, in their order."""

    screen: str
    parameters: dict[str, list[str]]


def draw_addresses(count: int, *, seed: int, most: int = 12) -> Iterator[Address]:
    """Yield addresses of all pages in turn, each with up to `most` parameters."""
    generator = random.Random(seed)
    for number in range(count):
        names = [draw_key(generator) for _ in range(generator.randint(1, most))]
        parameters = {name: draw_values(name, generator) for name in names}
        if generator.random() < 0.5:
            parameters |= {name: [values.draw(generator)[:LONGEST]] for name in READ_ALONG} | generator.choice(
                LEADING_ON
            )
        parameters.setdefault("step", [generator.choice(STEPS)])
        yield Address(SCREENS[number % len(SCREENS)], parameters)


def draw_key(generator: random.Random) -> str:
    """The name of a parameter, now and then one that nobody reads."""
    return values.draw(generator)[:100] if generator.random() < 0.05 else generator.choice(ALL_KEYS)


def draw_values(key: str, generator: random.Random) -> list[str]:
    """One or more values of a parameter: mostly hostile ones."""
    chance = generator.random()
    if chance < 0.15:
        return [generator.choice(USUAL.get(key, COMMON))]
    if chance < 0.25:
        return [generator.choice(COMMON)]
    if chance < 0.85 and key not in keys.SEVERAL:
        return [values.draw(generator)[:LONGEST]]
    return [values.draw(generator)[:LONGEST_REPEATED] for _ in range(generator.choice([1, 2, 3, MOST_REPEATED]))]


def count_values(address: Address) -> int:
    """The number of values in an address."""
    return sum(map(len, address.parameters.values()))
