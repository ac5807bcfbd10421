"""Data sets that are downloaded or built."""
