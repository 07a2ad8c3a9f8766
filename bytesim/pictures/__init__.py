"""Plain values in, PNG or SVG out."""
