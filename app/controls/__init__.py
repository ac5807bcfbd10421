"""Choices that pages share."""
