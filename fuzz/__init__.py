"""Fuzzing: damaged and hostile inputs for every parser, every command and every file that bytesim reads back.

docs/fuzzing.md says how to run it, and how targets and kept inputs are added.
"""
