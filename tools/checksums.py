"""Write data/SHA256SUMS, or compare with it.

python tools/checksums.py           write it again, after a change on purpose
python tools/checksums.py --check   compare; exit 1 and name what differs
"""

import argparse
import hashlib
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"
SUMS = DATA / "SHA256SUMS"
# not runs/, features/ and trust/: they change with the code
FOLDERS = ("crystals", "elements", "molecules", "monolayers", "oxides", "perovskites", "strained")
GROWS = "recomputed.csv"  # a log to which every recomputation adds


def checksums() -> str:
    """One line per file as sha256sum writes it: digest, two spaces, path below data/."""
    files = sorted(path for name in FOLDERS for path in (DATA / name).rglob("*") if path.is_file())
    shown = [path for path in files if not path.name.startswith(".")]
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(DATA).as_posix()}\n"
        for path in shown
        if path.suffix != ".md" and path.name != GROWS
    )


def main() -> int:
    """Write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        SUMS.write_text(checksums(), encoding="ascii", newline="\n")
        return 0
    written = SUMS.read_text(encoding="ascii").splitlines()
    for line in sorted(set(written) ^ set(checksums().splitlines())):
        print(f"{'only in' if line in written else 'not in'} SHA256SUMS: {line}")
    return 0 if written == checksums().splitlines() else 1


if __name__ == "__main__":
    sys.exit(main())
