"""bytesim: byte models that turn files into files."""

__version__ = "0.1.0"
