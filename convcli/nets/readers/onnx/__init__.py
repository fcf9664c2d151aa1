"""ONNX files: their bytes as records, their operators as the layers of a network.

protobuf      the wire format: fields of a message, within bounds
model_file    the records of `onnx.proto` that a network needs
operators     the layers of each operator: a table
reader        a file → the graph of its network
"""
