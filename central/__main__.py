"""`python -m central`: the same as yujing-central.  Shell: terminal."""

from central.cli import main

if __name__ == "__main__":
    main()
