"""`bytesim classify`: label files by their content."""
