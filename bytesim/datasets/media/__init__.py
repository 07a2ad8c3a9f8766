"""Training sets of news, articles, pictures, spoken words and digits."""
