"""Model files: the Python that `nn.Module` classes are written in, read without running it."""
