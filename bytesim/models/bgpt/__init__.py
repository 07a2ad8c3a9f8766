"""bGPT: a patch-level decoder and a byte-level decoder."""
