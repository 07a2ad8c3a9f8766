"""The encoder, a classifier of bytes, pictures or sound."""
