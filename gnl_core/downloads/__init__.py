"""Download or build data sets."""
