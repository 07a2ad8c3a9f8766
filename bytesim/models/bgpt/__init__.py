"""The bGPT architecture: a patch-level decoder and a byte-level decoder."""
