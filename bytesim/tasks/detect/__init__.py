"""`bytesim detect`."""
