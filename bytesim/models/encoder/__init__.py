"""Encoder classifiers: bytes, pictures or sound to classes."""
