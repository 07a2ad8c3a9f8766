"""`bytesim.load`: a model that stays in memory, with bytes in and bytes out."""
