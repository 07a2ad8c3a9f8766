"""Making a model: recipes, shards, batches, loss, optimizer, schedule, resumable checkpoints."""
