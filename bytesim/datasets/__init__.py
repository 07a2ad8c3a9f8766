"""Building training sets from their sources. No model is run here."""
