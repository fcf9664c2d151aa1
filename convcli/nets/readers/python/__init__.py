"""Model files: the Python that `nn.Module` classes are written in, read without running it.

Each file needs those above it alone; `machine` puts them together and is handed to every meaning.

    values                        what names stand for: functions, classes, tensors, unknowns
    core operators expressions    the language, a class derived from the one before: what is true;
    calling definitions               `+` and `[…]`; syntax of expressions; calls and attributes;
    statements                        `def` and `class`; syntax of statements
    kinds builtin methods         Python's own names: isinstance(), len(), str.split(),
    records copying standard          dataclasses, deepcopy(), modules of the standard library
    tape tensors                  nodes that a forward run lays out, and checks of what they get
    shaping pieces arithmetic     functions of tensors: view, cat, exp, matmul, max, F.conv2d,
    products reductions               zeros; `names` lists them all, and the methods of tensors
    functional creation names
    modules weights               nn.Module, Sequential and its kin; weights as tensors; LSTM;
    recurrent layers                  the layers of torch.nn
    files prelude einops          what is imported: files beside the model's, `library/*.txt`,
    libraries                         and the names of torch, numpy and einops
    machine                       files, imports and modules of one model
    entry model                   which class is meant, and its network for an input
"""
