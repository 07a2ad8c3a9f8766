"""The commands of the command line, one file each: parse, one task call, report."""
