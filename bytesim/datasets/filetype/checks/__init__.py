"""Checks whether a file is of the type that its name says."""
