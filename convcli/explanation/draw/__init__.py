"""Steps drawn: frames of a sliding window, their colors, and files of them."""
