"""Sets of news, articles, pictures, spoken words and digits."""
