"""Adapt to a new domain: the pure functions behind `gnl_core.adapting`."""
