"""Where filters come from: kernels fitted to pairs of pictures, nets trained on them."""
