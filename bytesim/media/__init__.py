"""Recordings and pictures of any format, converted to the form that models read."""
