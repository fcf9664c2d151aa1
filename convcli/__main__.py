"""`python -m convcli`."""

from convcli.cli.main import main

main()
