"""Several methods, classes and seeds trained, scored and put into one table."""
