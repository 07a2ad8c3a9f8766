"""A trained model, loaded, with what its card says."""
