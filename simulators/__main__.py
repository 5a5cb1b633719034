"""`python -m simulators`: the same as yujing-sim.  Shell: terminal."""

from simulators.cli import main

if __name__ == "__main__":
    main()
