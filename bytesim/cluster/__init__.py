"""Bulk work: one command over any number of files, with a ledger that an interrupted run goes on from."""
