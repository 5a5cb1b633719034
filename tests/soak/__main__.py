"""Choose the section of a soak.

usage: python -m tests.soak SECTION [arguments of the section]
"""

import sys

from tests.soak import acquisition, lists

SECTIONS = {"acquisition": acquisition.main, "lists": lists.main}


def main() -> int:
    """Run one section; 2 = there is none of this name."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in SECTIONS:
        print(f"usage: make soak SECTION={'|'.join(SECTIONS)}", file=sys.stderr)
        return 2
    return SECTIONS[name](sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
