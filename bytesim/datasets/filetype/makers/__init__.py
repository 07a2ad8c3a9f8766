"""Files made by real encoders, for types that packages rarely hold."""
