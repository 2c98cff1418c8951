"""``python -m simpleflow``: the same as the command ``simpleflow``."""

from simpleflow.cli import main

if __name__ == "__main__":
    main()
