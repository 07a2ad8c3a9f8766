"""`bytesim simulate-cpu`: run programs of the 8-bit CPU."""
