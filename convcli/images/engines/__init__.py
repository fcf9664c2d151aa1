"""How small kernels run over large pictures: exact, in bands of rows."""
