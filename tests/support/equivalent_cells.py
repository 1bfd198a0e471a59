"""Other cells of the same crystal, random crystals, and small networks to compare them with."""

import numpy as np
import torch
from bundled import model
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure


def make_network(conv="gated", pooling="mean", seed=0, n_atom_features=92, **options):
    """A small network in eval mode whose batch norms have something to do."""
    torch.manual_seed(seed)
    options = {"width": 12, "n_conv": 2, "head": 16, **options}
    network = model.CrystalGraphConvNet(n_atom_features, 41, conv=conv, pooling=pooling, **options)
    shake_batch_norms(network)
    return network.double().eval()


def shake_batch_norms(module):
    """Give batch norms the statistics and weights of some training run."""
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(norm.running_mean, std=0.3)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
            torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
            torch.nn.init.normal_(norm.bias, std=0.3)


def permuted(structure, rng):
    return Structure.from_sites([structure[int(i)] for i in rng.permutation(len(structure))])


def rotated(structure, rng):
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # half of them mirror the crystal as well
    lattice = Lattice(structure.lattice.matrix @ rotation)
    return Structure(lattice, structure.species, structure.frac_coords)


def translated(structure, rng):
    return Structure(
        structure.lattice, structure.species, (structure.frac_coords + rng.uniform(size=3)) % 1
    )


def doubled(structure, rng):
    return structure * (2, 1, 1)


CHANGES = (permuted, rotated, translated, doubled)


@st.composite
def crystals(draw):
    """Small crystals of any shape: 1 to 4 atoms in a cell of 3 to 6 angstrom."""
    lengths = draw(st.lists(st.floats(3, 6), min_size=3, max_size=3))
    angles = draw(st.lists(st.floats(70, 110), min_size=3, max_size=3))
    symbols = draw(st.lists(st.sampled_from(["H", "O", "Ti", "Sr", "Pb"]), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lattice = Lattice.from_parameters(*lengths, *angles)
    return Structure(lattice, symbols, rng.uniform(size=(len(symbols), 3)))
