"""The pages: they know the core, nothing knows them."""
