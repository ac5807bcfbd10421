"""The page Embeddings."""
