"""Trained models, loaded, with the facts from their cards."""
