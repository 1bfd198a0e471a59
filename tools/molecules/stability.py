"""What keeps training stable, one change at a time: data/molecules/stability.json.

    python tools/molecules/stability.py

What is in the file and current is not trained again. A run takes about ten seconds of one core.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from crystalgraph.experiments.in_force import differences
from crystalgraph.files import write_atomically
from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance.graphs import batch_of
from crystalgraph.labs.equivariance.molecules import EXTENSIVE, load_molecules
from crystalgraph.labs.equivariance.networks import MovingNetwork, Property, sum_at
from crystalgraph.labs.equivariance.study import CUTOFF, STABILITY, graphs_of
from crystalgraph.labs.equivariance.training import absolute
from crystalgraph.paths import DATA
from crystalgraph.releasing.right_answers import right_answers

ANSWERS = right_answers(LABS["equivariance"])
MOLECULES = load_molecules(DATA / "molecules")
ROWS = MOLECULES.parts["train"][:2000]
BATCH, LAYERS, WIDTH, ALL_PAIRS = 32, 5, 48, 30.0


@dataclass(frozen=True)
class Setting:
    """What is tried.

    Attributes:
        name: of the row in the table.
        lr: learning rate, constant (Adam).
        residual: whether a layer adds to h instead of replacing it.
        clip: whether gradients are cut to length 1.
        l1: mean absolute error as loss, instead of the mean square.
        moves: "" for none; "sum" adds up the pushes d phi_x, "mean" averages them; "egcl" is the
            layer of the lab.
        squares: whether messages are given the squared distance instead of its Gaussians.
        steps: of training.
    """

    name: str
    lr: float = 1e-2
    residual: bool = False
    clip: bool = False
    l1: bool = False
    moves: str = ""
    squares: bool = False
    steps: int = 150


PLAN = (
    Setting("learning rate 0.001", lr=1e-3),
    Setting("learning rate 0.01"),
    Setting("0.01 and residual", residual=True),
    Setting("0.01 and clipping", clip=True),
    Setting("0.01 and L1", l1=True),
    Setting("0.01 and all three", residual=True, clip=True, l1=True),
    Setting("moving, sum of d", lr=1e-3, residual=True, moves="sum", steps=40),
    Setting("moving, mean of d", lr=1e-3, residual=True, moves="mean", steps=40),
    Setting("moving, the layer of the lab", lr=1e-3, residual=True, moves="egcl", steps=40),
    Setting("moving, sum of d, squares", 1e-3, True, moves="sum", squares=True, steps=40),
    Setting("moving, mean of d, squares", 1e-3, True, moves="mean", squares=True, steps=40),
    Setting("moving, the lab's pushes, squares", 1e-3, True, moves="egcl", squares=True, steps=40),
)


class Squares(nn.Module):
    """The squared distance, in the place of each Gaussian."""

    def forward(self, distance: Tensor) -> Tensor:
        """(E, 1) distances in angstrom to (E, 20)."""
        return (distance**2).expand(-1, 20)


def layer_class(setting: Setting) -> type[nn.Module]:
    """The layer of the lab with what the setting changes."""

    class Layer(ANSWERS["1.2"]):  # pyright: ignore[reportGeneralTypeIssues]
        def __init__(self, n_features: int, cutoff: float) -> None:
            super().__init__(n_features, cutoff)
            if setting.moves in ("sum", "mean"):
                self.phi_x[2].reset_parameters()  # no small start
            if setting.squares:
                self.gaussians = Squares()

        def forward(self, h: Tensor, x: Tensor, edges: Tensor, shift: Tensor | None = None):
            new_h, moved = super().forward(h, x, edges, shift)
            if not setting.residual:
                new_h = new_h - h
            return new_h, moved if setting.moves == "egcl" else x + self.pushes(h, x, edges)

        def pushes(self, h: Tensor, x: Tensor, edges: Tensor) -> Tensor:
            if not setting.moves:
                return torch.zeros_like(x)
            i, j = edges
            d = x[i] - x[j]
            r = ((d * d).sum(1, keepdim=True) + 1e-8).sqrt()
            ends = self.from_center(h)[i] + self.from_neighbor(h)[j]
            push = d * self.phi_x(self.phi_e(ends + self.from_distance(self.gaussians(r))))
            n = sum_at(torch.ones_like(r), i, len(x)) if setting.moves == "mean" else 1
            return sum_at(push, i, len(x)) / n

    return Layer


def run(setting: Setting, graphs: list) -> dict[str, object]:
    """Train, and keep losses and lengths of gradients."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    body = MovingNetwork(layer_class(setting), 5, WIDTH, LAYERS, moves=bool(setting.moves))
    network = Property(body, len(MOLECULES.names))
    optimizer = torch.optim.Adam(network.parameters(), setting.lr)
    loss_of: Callable = absolute if setting.l1 else nn.functional.mse_loss
    losses, lengths = [], []
    for _ in range(setting.steps):
        batch = batch_of([graphs[row] for row in rng.choice(len(graphs), BATCH, replace=False)])
        optimizer.zero_grad()
        loss = loss_of(network(batch), batch.target)
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            break
        loss.backward()
        longest = 1.0 if setting.clip else float("inf")
        lengths.append(nn.utils.clip_grad_norm_(network.parameters(), longest).item())
        optimizer.step()
    return asked(setting) | seen(losses, lengths)


def asked(setting: Setting) -> dict[str, object]:
    """All that a row is made with."""
    sizes = {"batch": BATCH, "layers": LAYERS, "width": WIDTH, "molecules": len(ROWS)}
    cutoff = ALL_PAIRS if setting.moves else CUTOFF
    return asdict(setting) | {"cutoff": cutoff, "sizes": sizes}


def seen(losses: list[float], lengths: list[float]) -> dict[str, object]:
    """What is written of a run; "stopped" is the step whose loss was no number."""
    gradient = float(f"{max(lengths):.3g}") if lengths else None
    if not np.isfinite(losses[-1]):
        found = {"stopped": len(losses) - 1, "median_loss": None, "largest_loss": None}
    else:
        last = losses[-(len(losses) // 3) :]
        most = float(f"{max(losses):.3g}")
        median = round(float(np.median(last)), 3)
        found = {"stopped": None, "median_loss": median, "largest_loss": most}
    return found | {"longest_gradient": gradient}


def normalized_graphs(cutoff: float) -> list:
    """2,000 molecules with all targets of size one."""
    targets, extensive = MOLECULES.targets, np.isin(MOLECULES.names, EXTENSIVE)
    references, mean, mad = ANSWERS["2.2"](MOLECULES.counts, targets, extensive, ROWS)
    normal = ((targets - MOLECULES.counts @ references - mean) / mad)[ROWS]
    return graphs_of(MOLECULES, ROWS, normal, ANSWERS["1.1"], cutoff)


def main() -> None:
    """Train what is missing, and write after each run."""
    torch.set_num_threads(1)
    rows = json.loads(STABILITY.read_text("utf-8")) if STABILITY.is_file() else []
    runs = {row["name"]: row for row in rows}
    graphs: dict[float, list] = {}
    for setting in PLAN:
        cutoff = ALL_PAIRS if setting.moves else CUTOFF
        if all(differences(one, asked(setting)) for one in runs.values()):
            if cutoff not in graphs:
                graphs[cutoff] = normalized_graphs(cutoff)
            runs[setting.name] = run(setting, graphs[cutoff])
            lines = ",\n".join(json.dumps(one) for one in runs.values())
            write_atomically(STABILITY, f"[\n{lines}\n]\n")
            print(runs[setting.name], flush=True)


if __name__ == "__main__":
    main()
