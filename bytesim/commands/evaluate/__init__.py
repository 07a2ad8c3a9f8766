"""`bytesim evaluate`: measure how good a model is."""
