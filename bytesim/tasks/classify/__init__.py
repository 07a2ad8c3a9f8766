"""`bytesim classify`: what files are."""
