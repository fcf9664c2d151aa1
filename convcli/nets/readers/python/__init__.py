"""Model files: the Python that `nn.Module` classes are written in, interpreted without running it.

What the language needs of the libraries below it, it asks for through the Protocol
`language.protocol.Interpreter`, which `interpreter.ModelInterpreter` is; every native function is
given it too.

language/     the language: values, operators, expressions, calls, definitions, statements
stdlib/       builtins, methods of plain values, modules of the standard library
torch/        tensors, layers, functions and modules of PyTorch; einops
model_files   the files of a model, and those beside it that it imports from
bundled       modules of libraries that are made of layers, as text: `library/*.txt`
libraries     what the names of imported libraries mean
interpreter   the state of one reading; files, imports and modules of one model
entry_point   which class or builder is meant
model         its network for an input
"""
