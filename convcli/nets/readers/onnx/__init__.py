"""ONNX files: their bytes as records, their operators as the layers of a network.

protobuf      the wire format: fields of a message, within bounds
model_file    the records of `onnx.proto` that a network needs
call          one operator with what it reads
layers, elementwise, tensors, indexing   the layers of each operator, by tables
constants     the results of operators on arrays of the file
reader        a file → the graph of its network
"""
