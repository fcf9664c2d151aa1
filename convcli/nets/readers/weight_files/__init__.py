"""Files of weights without a network: their arrays by name, in place.

pickles       the opcodes of a pickle, by a table; nothing is imported or called
torch_files   checkpoints of PyTorch: archives, files from before 1.6, whole modules
safetensors   a header of JSON, then the bytes
reader        a file → its arrays, whichever it is
"""
