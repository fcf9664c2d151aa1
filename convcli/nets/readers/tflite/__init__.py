"""TFLite files: their bytes as tables, their operators as the layers of a network.

flatbuffers  the wire format: tables of fields, within bounds
model_file   its tables as records: tensors, operators, inputs
call         one operator with what it reads, channels first
operators    what each becomes, by a table
reader       a file → the graph of its network
"""
