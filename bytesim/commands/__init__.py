"""The commands, one file each. A command parses its options, calls one task and prints the result."""
