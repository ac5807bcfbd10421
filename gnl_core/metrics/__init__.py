"""Metrics of how well scores and anomaly maps separate normal from anomalous."""
