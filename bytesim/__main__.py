"""`python -m bytesim`."""

from bytesim.cli import main

if __name__ == "__main__":
    main()
