"""`bytesim train`: train a model by a recipe, or on the user's own files."""
