"""`bytesim generate`: new files."""
