"""Training sets, rebuilt from their sources; no model is run here."""
