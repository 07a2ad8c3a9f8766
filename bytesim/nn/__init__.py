"""The parts that architectures share: attention, rotary positions, norms, feed-forward."""
