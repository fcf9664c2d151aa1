"""The vocabularies of layers: ours, PyTorch, Keras."""
