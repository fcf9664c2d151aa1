"""Python that builds networks, in files or pasted: interpreted without running it.

Each module needs those above it alone. What the language needs of the libraries below it, it asks
for through `language.protocol.Interpreter`, which `interpreter.ModelInterpreter` is.

    language.objects          what names stand for: functions, classes, tensors, unknown values
    language.graph_recorder   the nodes that a forward run records
    language.protocol         the interpreter, as its parts and all native functions see it
    language.limits           how much work a program may take
    language.conversions      truth, items, text and hash of every value
    language.operators        `+`, `==`, `in`, `[…]`
    language.attributes       `owner.name`, and `owner.name = value`
    language.calls            parameters, calls, new objects
    language.expressions      the syntax of expressions
    language.definitions      `def`, `class` and decorators
    language.statements       the syntax of statements

    stdlib.type_checks        isinstance(), issubclass(), callable()
    stdlib.builtins           len(), range(), exceptions
    stdlib.methods            methods of strings, lists, dicts, sets, numbers
    stdlib.copying            copy.copy(), copy.deepcopy()
    stdlib.dataclasses        dataclasses, named tuples, enumerations
    stdlib.modules            math, functools, itertools, collections, re, …

    torch.tensor_args         nodes for what natives do, and checks of what they are given
    torch.shape_ops           view, permute, squeeze, expand
    torch.indexing            cat, split, `x[…]`, gather
    torch.elementwise         exp, add, where
    torch.matmul              matmul, einsum, attention
    torch.reductions          sum, mean, max, topk
    torch.functional          F.conv2d, F.max_pool2d, F.interpolate
    torch.creation            zeros, arange, tensor
    torch.names               all of these by name, and the attributes of tensors
    torch.nn_module           nn.Module, Sequential, ModuleList, ModuleDict
    torch.nn_weights          a layer's weights as tensors
    torch.nn_recurrent        RNN, GRU, LSTM
    torch.nn_layers           the layers of torch.nn
    torch.einops              rearrange, reduce, repeat

    keras.tensors             tensors with their channels last
    keras.functions           tf.concat, tf.reduce_mean, K.mean
    keras.layers              the layers and models of Keras
    keras.names               the names of keras and tensorflow

    model_files               a model's file and those beside it that it imports
    bundled                   library modules that are Python themselves: `library/*.txt`
    libraries                 the names of torch, numpy, keras and all other libraries
    interpreter               the interpreter of one model: its state, files and imports
    script                    the same for a text whose own statements make a network
    sequence                  layers behind one another, the same for every input
    entry_point               which class or function of a file is meant
    model                     the network of a model for an input
    reading                   what a text is about, and its network
"""
