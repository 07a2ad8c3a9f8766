"""`bytesim data build`: the sets that models are trained on."""
