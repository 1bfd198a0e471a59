"""Draw the README's pictures into docs/pictures from the bundled data and finished runs.

Usage: python tools/make_pictures.py
"""

import matplotlib

matplotlib.use("Agg")

from pymatgen.core import Structure  # noqa: E402

from crystalgraph import paths  # noqa: E402
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_split  # noqa: E402
from crystalgraph.experiments import GROUPS, load_run, perovskites  # noqa: E402
from crystalgraph.experiments.baselines import RIDGE_SITES, fit_baselines  # noqa: E402
from crystalgraph.figures.structure import plot_shells  # noqa: E402
from crystalgraph.labs.hw.figures.energy import plot_bars, plot_parities  # noqa: E402


def main() -> None:
    """Draw every picture."""
    folder = paths.REPO / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    salt = Structure.from_file(paths.DATA / "crystals" / "NaCl.cif")
    dataset = perovskites()
    split = load_split(dataset, "formula")
    ridge = fit_baselines(dataset, split, FORMATION_ENERGY)[RIDGE_SITES]
    target = dataset.target(FORMATION_ENERGY)[split.test]
    network = load_run("gated").predictions["test"]
    figures = {
        "shells": plot_shells(salt),
        "layers": plot_bars(GROUPS["layers"], baselines={RIDGE_SITES: ridge.mae["test"]}),
        "parity": plot_parities(
            {
                RIDGE_SITES: (target, ridge.prediction[split.test]),
                "crystal graph network": (network["target"], network["prediction"]),
            }
        ),
    }
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110)
        print(folder / f"{name}.png")


if __name__ == "__main__":
    main()
