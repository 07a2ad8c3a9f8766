"""One file format each: bytes in, dataclass out, no torch."""
