"""PyTorch: modules, layers, functions and tensors of a model file."""
