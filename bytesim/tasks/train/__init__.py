"""`bytesim train`: a model of the user's own files."""
