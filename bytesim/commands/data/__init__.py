"""`bytesim data build`: make the sets that models are trained on."""
