"""Ten conversions to learn from pairs of files, and the measurement of what `bytesim train convert` makes of them."""
