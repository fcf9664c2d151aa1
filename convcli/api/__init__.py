"""convcli from Python: the commands as functions of Python values.

Beside these stand `conv2d` (all functions of the core are in `convcli.conv`), `kernel` and
`extract_features`, each in the package that computes it. Errors are those of `convcli.errors`: a
Refusal says what, where and what would work.
"""
