"""`bytesim inspect`: what a model sees in a file."""
