"""The colours, each with one meaning in every chart (Okabe & Ito, safe for colour-blind readers)."""

NORMAL = "#0072B2"
ANOMALOUS = "#D55E00"
ACCENT = "#009E73"
GREY = "#8A8F98"
LABEL_COLOURS = {0: NORMAL, 1: ANOMALOUS, -1: GREY}
LABEL_NAMES = {0: "normal", 1: "anomalous", -1: "not labelled"}
