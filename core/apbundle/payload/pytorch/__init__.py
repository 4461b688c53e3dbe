"""PyTorch checkpoints, TorchScript archives and what came before them."""
