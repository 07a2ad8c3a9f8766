"""`bytesim generate`: write new files with a model."""
