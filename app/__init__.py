"""The pages: they know the core, nothing knows them."""

from pathlib import Path

PROJECT = Path(__file__).parents[1]
