"""Running a trained model: caches, prefill, decode step, sampling, batches of files."""
