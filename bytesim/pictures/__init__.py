"""Pictures, PNG or SVG, drawn from plain values."""
