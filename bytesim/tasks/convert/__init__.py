"""`bytesim convert`: convert files to another format."""
