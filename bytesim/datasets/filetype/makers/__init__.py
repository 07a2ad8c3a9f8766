"""Makers: real encoders that make files of types that are rare in packages."""
