"""`bytesim compress` and `bytesim decompress`: files and folders without a loss, with models or without."""
