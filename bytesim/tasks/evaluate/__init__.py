"""`bytesim evaluate`: measure a model on held-out files."""
