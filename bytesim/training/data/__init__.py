"""The data of a training: files, shards, splits, batches."""
