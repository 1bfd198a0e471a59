"""Whether the engine may stand in for a network: both give the same numbers on a few crystals.

A network of a student's file has the textbook's name, but not for certain its numbers. So outputs,
gradients and running statistics are compared on crystals of the data set, in float64, before the
engine trains with its weights.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from crystalgraph.checking.quiet import double_precision
from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.graphs import CrystalGraph, batch_graphs
from crystalgraph.crystals.symmetry import quotients, with_distance_classes
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.engine.batches import PreparedQuotients
from crystalgraph.networks.engine.network import QuotientNetwork
from crystalgraph.networks.model_file import make_model
from crystalgraph.networks.model_settings import ModelSettings

N_CRYSTALS = 4
RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Largest difference of two numbers; the second in shares of the largest one of its tensor."""


class Disagreement(CrystalGraphError):
    """Why the engine cannot stand in for a network."""


def engine_for(
    model: nn.Module,
    settings: ModelSettings,
    graphs: Sequence[CrystalGraph],
    features: AtomFeatures,
    bonds: BondSettings,
) -> QuotientNetwork:
    """The engine with the weights of a network that gives the engine's numbers.

    Args:
        model: built with the settings; it is left as it is.
        settings: options of its class, the values in force.
        graphs: crystals that it is for; a few of them are tried.
        features: of the atoms.
        bonds: how distances become bond features.

    Returns:
        The engine, in float32 on the CPU.

    Raises:
        Disagreement: the network's weights or numbers are not those of the engine.
    """
    sizes = (features.n_features, bonds.n_centers)
    try:
        engine = make_model(QuotientNetwork, sizes[0], settings.options, sizes[1])
        assert isinstance(engine, QuotientNetwork)
    except (CrystalGraphError, KeyError) as error:
        raise Disagreement(f"it has settings that the engine does not know ({error})") from error
    try:
        engine.load_state_dict(model.state_dict())
    except RuntimeError as error:
        raise Disagreement("its weights have other names or shapes than the textbook's") from error
    some = graphs[:: max(1, len(graphs) // N_CRYSTALS)][:N_CRYSTALS]
    with double_precision():
        weights = {name: w + 0.1 * torch.randn_like(w) for name, w in engine.named_parameters()}
        classes = [with_distance_classes(graph) for graph in some]
        whole = batch_graphs(classes, features, torch.float64, bonds)
        table = PreparedQuotients(quotients(some), features, bonds, torch.float64)
        found = _numbers(model, weights, whole.inputs())
        _compare(found, _numbers(engine, weights, table.batch(range(len(some))).inputs()))
    return engine


def _numbers(network: nn.Module, weights: dict[str, Tensor], inputs: tuple) -> dict[str, Tensor]:
    """What a copy of a network with other weights gives, by name.

    Its own weights are those at the start, where a factor of 1 or a summand of 0 may be forgotten.

    Args:
        network: that is copied.
        weights: of the copy.
        inputs: of its forward.

    Returns:
        Outputs, gradients and running statistics, float64.
    """
    try:
        twin = copy.deepcopy(network).double().train()
        twin.load_state_dict(weights, strict=False)
        output = twin(*inputs)
        mix = torch.linspace(-1, 1, output.numel(), dtype=output.dtype)
        (output.flatten() * mix).square().mean().backward()
        found = {"output in training": output.detach()}
        for name, weight in twin.named_parameters():
            gradient = torch.zeros_like(weight) if weight.grad is None else weight.grad
            found[f"gradient of {name}"] = gradient
        found |= {name: buffer.detach() for name, buffer in twin.named_buffers()}
        with torch.no_grad():
            found["output in evaluation"] = twin.eval()(*inputs)
    except Exception as error:  # whatever a student's network raises
        raise Disagreement(f"it fails on crystals of the data set ({error})") from error
    return found


def _compare(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    largest = max(value.abs().max().item() for value in expected.values())
    for name, value in expected.items():
        bound = ABSOLUTE * max(1.0, largest)
        same_shape = name in found and found[name].shape == value.shape
        if not (same_shape and torch.allclose(found[name], value, rtol=RELATIVE, atol=bound)):
            raise Disagreement(f"its {name} is not that of the textbook's layers")
