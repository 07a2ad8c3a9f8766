"""The native engine: decoding on a CPU by compiled kernels, a whole step in one call, without torch."""
