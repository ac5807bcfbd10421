"""Train and score several methods, classes and seeds, and compare them in one table."""
