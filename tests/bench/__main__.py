"""`python -m tests.bench [SECTION …] [--only NAME]`: figures as JSON lines, a table for people.

Shell: processes.  JSON goes to stdout, progress and table to stderr.  Exit code 1 when a target
that was run is missed.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping

from tests.bench import processes
from tests.bench.acquisition import section as acquisition
from tests.bench.result import Result

SECTIONS: Mapping[str, Callable[[Callable[[str], None]], Iterator[Result]]] = {
    "acquisition": acquisition.run,
}


def main() -> int:
    """Run the sections that are named; all without a name."""
    parser = argparse.ArgumentParser(prog="make bench SECTION=…")
    parser.add_argument("section", nargs="*", help=", ".join(SECTIONS))
    chosen = parser.parse_args().section or list(SECTIONS)
    if unknown := [name for name in chosen if name not in SECTIONS]:
        parser.error(f"no section {unknown[0]}; there are: {', '.join(SECTIONS)}")
    results: list[Result] = []
    for name in chosen:
        _tell(f"section {name} on {processes.load()}")
        for result in SECTIONS[name](_tell):
            print(result.line(), flush=True)
            _tell(result.row())
            results.append(result)
    _tell("")
    for result in results:
        _tell(result.row())
    return 1 if any(result.met is False for result in results) else 0


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
