"""What a model is: its format by content, and the tensors it lists."""
