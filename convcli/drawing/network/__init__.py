"""A network as a figure: layers as blocks, laid out in a display list, written in several forms."""
