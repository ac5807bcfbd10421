"""The keys of what pages share: of widgets, of what goes along from page to page, and of links."""

from __future__ import annotations

DATA, NORMAL, FOLDER, ROOT = "data", "normal", "folder", "root"
SHIFT, SEVERITY, METHODS, STRENGTH = "shift", "severity", "methods", "strength"
SIDE, IMAGE = "side", "image"  # a domain of the view, and an image's number in it, from 1
RUN = "run_"  # before a method's name: its checkpoint
FDM = "fdm_"  # before a method's name: its switch
MATCHING = ("matched_stages", "reference_count", "reference_choice")  # settings, under their own names
REDUCTION = ("reduction", "top_percent", "smoothing_sigma_px")  # likewise
LEARN = ("lesson", "shown_shift", "guess", "draw", "failing_domain", "failing_image")

VIEW = (DATA, NORMAL, FOLDER, ROOT, SHIFT, SEVERITY, METHODS)
CARRIED = (*VIEW, SIDE, STRENGTH, *MATCHING, *REDUCTION, *LEARN)
CARRIED_PREFIXES = (RUN, "normal_image_", "anomalous_image_")  # the latter two stand before a data set's name
STAYING = (IMAGE, "from", FDM)  # shared controls whose choice does not go along to another page
