"""The pages: they know the core, nothing knows them."""

from pathlib import Path
from threading import Lock

PROJECT = Path(__file__).parents[1]

# Held while pandas is imported. Plotly looks for it, and fails if another visitor's thread has imported half of it.
PANDAS = Lock()
