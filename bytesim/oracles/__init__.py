"""What judges a model: real tools and rules. No model path may import this room."""
