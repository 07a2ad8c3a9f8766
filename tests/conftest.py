"""What holds for every test."""

import os

from hypothesis import settings

# The models of the tests are too small for threads to help, and pytest's workers would contend for the cores.
# Set before torch is imported, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Hypothesis' limit of 0.2 s for an example fails on a busy machine. pytest-timeout limits the test as a whole.
settings.register_profile("bytesim", deadline=None)
settings.load_profile("bytesim")
