"""The exact machine, its assembler and its random programs; no torch."""
