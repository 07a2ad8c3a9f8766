"""`bytesim convert`: one file into another."""
