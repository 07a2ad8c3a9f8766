"""`bytesim models pull` and `bytesim models push`: the Hugging Face hub."""
