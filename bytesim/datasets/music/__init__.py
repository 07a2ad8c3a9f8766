"""The training set of the music model."""
