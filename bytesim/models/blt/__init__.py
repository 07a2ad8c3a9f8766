"""The Byte Latent Transformer: bytes are pooled into patches of different lengths, which a latent transformer reads."""
