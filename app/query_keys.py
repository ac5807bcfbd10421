"""Keys of widgets, which are also query parameters; which of them persist from page to page or have several values."""

from __future__ import annotations

DATA, NORMAL, FOLDER, ROOT = "data", "normal", "folder", "root"
SHIFT, SEVERITY, METHODS, STRENGTH = "shift", "severity", "methods", "strength"
SIDE, IMAGE = "side", "image"  # a domain of the view, and an image's number in it, from 1
ORIGIN = "from"  # where the image comes from
PAINT = "paint"  # whether the visitor can paint on the image
RUN = "run_"  # prefix of a method's name: its checkpoint
FDM = "fdm_"  # prefix of a method's name: its FDM switch
MATCHING = ("matched_stages", "reference_count", "reference_choice")  # settings, under their field names
REDUCTION = ("reduction", "top_percent", "smoothing_sigma_px")  # likewise
ADAPT, TRAY = "adapt", "tray"  # how to adapt to the shifted domain, and to how many of its images
ORDER, MAP_SCALE = "order", "map_scale"  # of the gallery: which images it shows first, and the scale of their maps
LESSON, SHOWN_SHIFT, GUESS, DRAW = "lesson", "shown_shift", "guess", "draw"  # choices of the page Learn
FAILING_DOMAIN, FAILING_IMAGE = "failing_domain", "failing_image"  # likewise
REMEDIED_SHIFT, NEEDED = "remedied_shift", "needed"  # likewise
WATCHED_IMAGE, WATCHED_DOMAIN = "watched_image", "watched_domain"  # likewise
LINE_RUN, LINE, LINE_ORDER = "line_run", "line", "line_order"  # choices of the page Follow
NORMAL_IMAGE, ANOMALOUS_IMAGE = "normal_image_", "anomalous_image_"  # of Learn, before a data set's name

VIEW = (DATA, NORMAL, FOLDER, ROOT, SHIFT, SEVERITY, METHODS)
WATCHED = (WATCHED_IMAGE, WATCHED_DOMAIN)
LEARN = (LESSON, *WATCHED, SHOWN_SHIFT, GUESS, DRAW, FAILING_DOMAIN, FAILING_IMAGE, REMEDIED_SHIFT, NEEDED)
CARRIED = (*VIEW, SIDE, MAP_SCALE, ADAPT, TRAY, STRENGTH, *MATCHING, *REDUCTION, *LEARN, LINE_RUN, LINE, LINE_ORDER)
CARRIED_PREFIXES = (RUN, NORMAL_IMAGE, ANOMALOUS_IMAGE)
SEVERAL = (METHODS, "of_methods", "of_strengths", "of_adaptation", "of_columns", "of_groups")  # multiple choices
STAYING = (IMAGE, ORIGIN, PAINT, FDM)  # shared controls whose choice does not persist on another page
