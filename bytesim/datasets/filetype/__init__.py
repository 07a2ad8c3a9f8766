"""The training set of the file type classifier."""
