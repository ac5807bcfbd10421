"""Image anomaly detection under distribution shift: GNL, and what it is compared with."""
