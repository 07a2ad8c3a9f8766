"""`bytesim simulate-cpu`: programs of the 8-bit CPU."""
