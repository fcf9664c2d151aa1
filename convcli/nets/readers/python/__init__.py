"""Python that builds networks, in files or pasted: interpreted without running it.

The language reaches the libraries only through the Protocol
`language.protocol.Interpreter`, which `interpreter.ModelInterpreter` implements; every native
function receives it too. The contracts of `lint-imports` hold the order: each needs those below it
alone.

    reading       the entry point of a text, and its network
    model         the network of a model for an input
    entry_point   which class or function of a file is meant
    example_input the size with which a text tries its network
    script        the interpreter of a text whose own statements make a network
    sequence      layers in sequence, the same for every input
    interpreter   the interpreter of one model: its state, files and imports
    libraries     the names of torch, numpy, keras and all other libraries
    bundled       library modules that are Python themselves: `library/*.txt`
    model_files   a model's file and those next to it that it imports
    keras         layers, models and functions of Keras and TensorFlow
    torch         tensors, layers, functions and modules of PyTorch; einops
    stdlib        Python's builtins, methods of plain values, the standard library
    language      values, operators, expressions, calls, definitions, statements
"""
