# SPDX-License-Identifier: Apache-2.0
"""python3 -m smx NAME...: what is in a segment, as `smx dump --json`."""
import os
import sys

from .dump import document
from .errors import Error
from .reader import Segment, path_of


def main() -> int:
    if len(sys.argv) < 2:
        print("usage: python3 -m smx NAME...", file=sys.stderr)
        return 2
    for word in sys.argv[1:]:
        try:
            path = word if "/" in word else path_of(*word.split("@", 1))
            with Segment(path) as segment:
                service = os.path.basename(path)
                if service.startswith("smx."):
                    service = service[len("smx."):]
                print(document(service, segment, segment.read()))
        except (Error, OSError) as e:
            print(f"smx: {word}: {e}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
