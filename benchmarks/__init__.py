"""Benchmarks and evaluations that reproduce the measurements in the docs."""
