"""The crystal graph convolutional network: layers, poolings, network.

Names and shapes used throughout this file:

    N, E, C         number of atoms, edges (directed bonds) and crystals in a batch
    F, K            number of atom features and of bond features
    atom_features   (N, F)  one row per atom, v_i in the paper
    bond_features   (E, K)  one row per edge, u_(i,j)k in the paper
    center          (E,)    index of the atom that edge e belongs to, i
    neighbor        (E,)    index of the atom that edge e comes from, j
    crystal         (N,)    index of the crystal that an atom belongs to

Source: T. Xie and J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018). Module names are those
of the published code, so its checkpoints load by name.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, softplus

Activation = Callable[[Tensor], Tensor]


class ConvLayer(nn.Module):
    """Gated convolution, Eq. (5) of the paper as its author coded it.

    z_e  = v_center (+) v_neighbor (+) u_e                    (+) is concatenation
    f, c = the two halves of BN1(W z_e + b)
    m_i  = sum over the edges e of center i of sigmoid(f_e) * softplus(c_e)
    v_i' = softplus(v_i + BN2(m_i))

    Args:
        n_atom_features: F, features of an atom, in and out.
        n_bond_features: K, features of a bond.
        batch_norm: False replaces both batch norms by the identity.
        activation: g in the paper, softplus there.
        residual: False leaves v_i out of the last line.
    """

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool = True,
    ) -> None:
        super().__init__()
        n_in = 2 * n_atom_features + n_bond_features
        self.fc_full = nn.Linear(n_in, 2 * n_atom_features)
        self.bn1 = nn.BatchNorm1d(2 * n_atom_features) if batch_norm else nn.Identity()
        self.bn2 = nn.BatchNorm1d(n_atom_features) if batch_norm else nn.Identity()
        self.activation = activation
        self.residual = float(residual)

    def forward(
        self, atom_features: Tensor, bond_features: Tensor, center: Tensor, neighbor: Tensor
    ) -> Tensor:
        """Update every atom from its neighbors.

        Args:
            atom_features: (N, F).
            bond_features: (E, K).
            center: (E,) atom that receives the message of edge e.
            neighbor: (E,) atom that sends it.

        Returns:
            (N, F) new atom features. Multiply v_i by `self.residual` (1, or 0 when switched off).
        """
        raise NotImplementedError("Task 2.1: fill in ConvLayer.forward in model_hw.py")


class SharedConvLayer(nn.Module):
    """Convolution with one weight matrix shared by all neighbors, Eq. (4) of the paper.

    v_i' = softplus(BN(W_c sum_e (v_neighbor (+) u_e) + W_s v_i + b))

    Args:
        n_atom_features: F, features of an atom, in and out.
        n_bond_features: K, features of a bond.
        batch_norm: False replaces the batch norm by the identity.
        activation: g in the paper, softplus there.
        residual: True adds v_i before the last softplus, as in the gated layer.
    """

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool = False,
    ) -> None:
        super().__init__()
        self.fc_neighbors = nn.Linear(
            n_atom_features + n_bond_features, n_atom_features, bias=False
        )
        self.fc_self = nn.Linear(n_atom_features, n_atom_features)
        self.bn = nn.BatchNorm1d(n_atom_features) if batch_norm else nn.Identity()
        self.activation = activation
        self.residual = float(residual)

    def forward(
        self, atom_features: Tensor, bond_features: Tensor, center: Tensor, neighbor: Tensor
    ) -> Tensor:
        """Update every atom from the sum over its neighbors.

        Args:
            atom_features: (N, F).
            bond_features: (E, K).
            center: (E,) atom that receives the message of edge e.
            neighbor: (E,) atom that sends it.

        Returns:
            (N, F) new atom features. Add `self.residual * v_i` (0, or 1 when switched on)
            to the batch norm's result before the activation.
        """
        raise NotImplementedError("Task 2.2: fill in SharedConvLayer.forward in model_hw.py")


class FastConvLayer(ConvLayer):
    """ConvLayer's numbers from the same weights, with fewer multiplications.

    W z_e = W_i v_center + W_j v_neighbor + W_u u_e, so the two products with atom features can be
    done once per atom and gathered per edge afterwards. An atom has a dozen edges or more.
    """

    def forward(
        self, atom_features: Tensor, bond_features: Tensor, center: Tensor, neighbor: Tensor
    ) -> Tensor:
        """Same arguments and result as ConvLayer.forward."""
        raise NotImplementedError("Task 2.8: fill in FastConvLayer.forward in model_hw.py")


def mean_pool(atom_features: Tensor, crystal: Tensor, n_crystals: int) -> Tensor:
    """Average the atom features of each crystal.

    Args:
        atom_features: (N, F).
        crystal: (N,) crystal that each atom belongs to, in any order.
        n_crystals: C.

    Returns:
        (C, F).
    """
    raise NotImplementedError("Task 2.3: fill in mean_pool in model_hw.py")


def max_pool(atom_features: Tensor, crystal: Tensor, n_crystals: int) -> Tensor:
    """Largest value of each atom feature within each crystal.

    Args:
        atom_features: (N, F), of any sign.
        crystal: (N,) crystal that each atom belongs to, in any order.
        n_crystals: C.

    Returns:
        (C, F).
    """
    raise NotImplementedError("Task 2.4: fill in max_pool in model_hw.py")


class SoftmaxPool(nn.Module):
    """Average over atoms of softmaxed features, added over all layers.

    v_c = (1/N) sum_t sum_i softmax(W_t v_i(t) + b_t), softmax over features, t = 0 .. n_conv

    The paper's supplement sums over atoms; the mean used here makes the result independent of
    the choice of unit cell.

    Args:
        n_atom_features: F.
        n_states: number of layers whose atom features are read, the embedding included.
    """

    def __init__(self, n_atom_features: int, n_states: int) -> None:
        super().__init__()
        self.fcs = nn.ModuleList(
            nn.Linear(n_atom_features, n_atom_features) for _ in range(n_states)
        )

    def forward(self, states: list[Tensor], crystal: Tensor, n_crystals: int) -> Tensor:
        """Pool the atom features of all layers.

        Args:
            states: n_states tensors (N, F), the embedding first.
            crystal: (N,) crystal that each atom belongs to.
            n_crystals: C.

        Returns:
            (C, F).
        """
        softmaxes = [torch.softmax(fc(v), dim=1) for fc, v in zip(self.fcs, states, strict=True)]
        total = torch.stack(softmaxes).sum(dim=0)
        return mean_pool(total, crystal, n_crystals)


class CrystalGraphConvNet(nn.Module):
    """Crystal graph in, one prediction per crystal out.

    embedding; n_conv convolutions; pooling; conv_to_fc; n_hidden - 1 further layers; fc_out.

    Args:
        n_atom_features: numbers that describe an element, 92 by default in this course.
        n_bond_features: K, numbers that describe a bond.
        width: F, atom features inside the network.
        n_conv: number of convolutions.
        head: features of a crystal after pooling.
        n_hidden: number of hidden layers after pooling, 1 or more.
        conv: "gated" (Eq. 5), "shared" (Eq. 4), "fast" (Eq. 5, faster) or "none".
        pooling: "mean", "max" or "softmax".
        batch_norm: False switches the batch norms of the convolutions off.
        activation: g in the paper, softplus there; used in convolutions and head.
        residual: overrides the convolution's own choice when not None.
        task: "regression" or "classification" (two classes).
    """

    def __init__(
        self,
        n_atom_features: int,
        n_bond_features: int,
        width: int = 64,
        n_conv: int = 3,
        head: int = 128,
        n_hidden: int = 1,
        conv: str = "gated",
        pooling: str = "mean",
        batch_norm: bool = True,
        activation: Activation = softplus,
        residual: bool | None = None,
        task: str = "regression",
    ) -> None:
        super().__init__()
        options = {"batch_norm": batch_norm, "activation": activation}
        if residual is not None:
            options["residual"] = residual
        layers = {"gated": ConvLayer, "shared": SharedConvLayer, "fast": FastConvLayer}
        n_conv = 0 if conv == "none" else n_conv
        self.embedding = nn.Linear(n_atom_features, width)
        self.convs = nn.ModuleList(
            layers[conv](width, n_bond_features, **options) for _ in range(n_conv)
        )
        self.pooling = SoftmaxPool(width, n_conv + 1) if pooling == "softmax" else None
        self.pool_last = {"mean": mean_pool, "max": max_pool}.get(pooling)
        self.conv_to_fc = nn.Linear(width, head)
        self.fcs = nn.ModuleList(nn.Linear(head, head) for _ in range(n_hidden - 1))
        self.fc_out = nn.Linear(head, 2 if task == "classification" else 1)
        self.activation = activation

    def pool(self, states: list[Tensor], crystal: Tensor, n_crystals: int) -> Tensor:
        """Pool the atom features: of the last layer, or of all layers when pooling is softmax.

        Args:
            states: atom features (N, F) after the embedding and after each convolution.
            crystal: (N,) crystal that each atom belongs to.
            n_crystals: C.

        Returns:
            (C, F) crystal features.
        """
        if self.pooling is not None:
            return self.pooling(states, crystal, n_crystals)
        return self.pool_last(states[-1], crystal, n_crystals)

    def readout(self, crystal_features: Tensor) -> Tensor:
        """Turn hidden crystal features into predictions.

        Args:
            crystal_features: (C, head).

        Returns:
            (C,) for regression, (C, 2) log-probabilities for classification.
        """
        out = self.fc_out(crystal_features)
        return out.squeeze(1) if out.shape[1] == 1 else log_softmax(out, dim=1)

    def forward(
        self,
        atom_features: Tensor,
        bond_features: Tensor,
        center: Tensor,
        neighbor: Tensor,
        crystal: Tensor,
        n_crystals: int,
    ) -> Tensor:
        """Predict one property of each crystal.

        Args:
            atom_features: (N, n_atom_features).
            bond_features: (E, K).
            center: (E,) atom that receives the message of edge e.
            neighbor: (E,) atom that sends it.
            crystal: (N,) crystal that each atom belongs to.
            n_crystals: C.

        Returns:
            (C,) for regression, (C, 2) log-probabilities for classification.
        """
        raise NotImplementedError("Task 2.5: fill in CrystalGraphConvNet.forward in model_hw.py")
