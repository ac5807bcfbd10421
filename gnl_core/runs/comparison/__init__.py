"""From the runs of a comparison to its tables: measured here, written as text, data, a page and figures there."""
