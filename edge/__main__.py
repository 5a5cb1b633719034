"""`python -m edge`: the same as `yujing-edge`.  Shell: terminal."""

from edge.cli import main

if __name__ == "__main__":
    main()
