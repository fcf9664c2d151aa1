"""TFLite files: their bytes as tables, their operators as the layers of a network.

flatbuffers  the wire format: tables of fields, within bounds
reader       a file → the graph of its network
"""
