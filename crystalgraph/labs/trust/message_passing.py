"""torch-geometric's MessagePassing, or as much of it as the lab needs where it is not installed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from pymatgen.core import Lattice, Structure
from torch import Tensor, nn

from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.labs.trust.study import atom_by_atom
from crystalgraph.networks.engine.batches import PreparedQuotients
from crystalgraph.networks.engine.layers import GatedLayer


class StandIn(nn.Module):
    """Gathers rows for each edge, asks `message`, and adds up what each target is told.

    Args:
        aggr: how messages are joined; "add" is what there is.
    """

    def __init__(self, aggr: str = "add") -> None:
        super().__init__()

    def propagate(self, edge_index: Tensor, x: Tensor, edge_attr: Tensor) -> Tensor:
        """Sums (N, F) of the messages to each atom.

        Args:
            edge_index: (2, E) source and target.
            x: (N, F).
            edge_attr: (E, K).
        """
        source, target = edge_index
        messages = self.message(x[target], x[source], edge_attr)
        return messages.new_zeros(len(x), messages.shape[1]).index_add(0, target, messages)

    def message(self, x_i: Tensor, x_j: Tensor, edge_attr: Tensor) -> Tensor:
        """What each edge tells its target; to be written by the class derived from this one."""
        raise NotImplementedError


try:
    import torch_geometric.nn as library  # pyright: ignore[reportMissingImports]
except ImportError:
    library: Any = None
MessagePassing: Any = StandIn if library is None else library.MessagePassing
"""The library's class, or the stand-in; `pip install torch-geometric` brings the library."""


def cgconv(layer: GatedLayer) -> Any:
    """The library's CGConv with the weights of a gated convolution; None without the library.

    Args:
        layer: with F atom features and K bond features.
    """
    if library is None:
        return None
    n_atom = layer.fc_full.out_features // 2
    made = library.CGConv(n_atom, layer.fc_full.in_features - 2 * n_atom).double().eval()
    for part, weight, bias in zip(
        (made.lin_f, made.lin_s),
        layer.fc_full.weight.detach().chunk(2),
        layer.fc_full.bias.detach().chunk(2),
        strict=True,
    ):
        part.load_state_dict({"weight": weight, "bias": bias})
    return made


def dense_of(layer: GatedLayer) -> Callable[[Tensor], Tensor]:
    """The linear layer of a gated convolution with the batch norm behind it, in evaluation mode.

    Args:
        layer: in evaluation mode.
    """
    return lambda z: layer.bn1(layer.fc_full(z), torch.empty(0), 0)


def update_of(layer: GatedLayer) -> Callable[[Tensor], Tensor]:
    """The batch norm on what an atom has been told, in evaluation mode.

    Args:
        layer: in evaluation mode.
    """
    return lambda heard: layer.bn2(heard, torch.empty(0), 0)


def seven_atoms() -> Structure:
    """A perovskite of ten atoms without three of them: seven atoms, for shapes alone."""
    cell = Structure(Lattice.cubic(3.9), ["Sr", "Ti", "O"], [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]])
    cell = cell * (1, 1, 2)
    cell.append("O", [0.5, 0, 0.25])
    return cell


@torch.no_grad()
def engine_output(layer: GatedLayer, x: Tensor, crystals: Sequence[Structure]) -> Tensor:
    """What the course's own layer makes of the atoms of crystals, (N, F).

    Args:
        layer: in evaluation mode.
        x: (N, F) features of all atoms.
        crystals: with N atoms together.
    """
    graphs = [atom_by_atom(build_graph(crystal)) for crystal in crystals]
    prepared = PreparedQuotients(graphs, published_features(), dtype=torch.float64)
    return layer(x, prepared.batch(range(len(graphs))))


def random_layer(n_atom_features: int, n_bond_features: int, seed: int = 0) -> GatedLayer:
    """A gated convolution in double precision and evaluation mode; all its numbers are drawn.

    Args:
        n_atom_features: F.
        n_bond_features: K.
        seed: of the numbers.
    """
    layer: GatedLayer = GatedLayer(n_atom_features, n_bond_features).double().eval()
    generator = torch.Generator().manual_seed(seed)
    for name, value in layer.state_dict().items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=generator, dtype=value.dtype)
            value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else 0.5 * drawn)
    return layer
