"""Recordings and pictures of any format, in the form that models read."""
