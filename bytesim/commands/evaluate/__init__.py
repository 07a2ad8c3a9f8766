"""`bytesim evaluate`: how good a model is."""
