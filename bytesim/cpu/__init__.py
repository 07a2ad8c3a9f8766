"""The exact 8-bit machine, its assembler and random programs for it. No torch."""
