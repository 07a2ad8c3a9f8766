"""What holds for every test."""

import os

# The models of the tests are too small for threads to help, and pytest's workers would contend for the cores.
# Set before torch is imported, and inherited by the processes that tests start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
