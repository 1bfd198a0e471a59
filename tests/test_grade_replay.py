"""Operations of a stranger are repeated as they are, or refused; they are never a way in."""

import pytest
import torch
from mutants import MUTANTS
from right_answers import RIGHT_ANSWERS

from crystalgraph.grading.draw import solutions
from crystalgraph.grading.replay import Replay, record
from crystalgraph.grading.wire import Garbled

LAYERS = [right for right in RIGHT_ANSWERS if right.task in ("2.1", "2.8")]


def graph(seed):
    torch.manual_seed(seed)
    return [torch.randn(11, 5), torch.rand(90, 4), *torch.randint(11, (2, 90))]


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def replayed(cls):
    """The operations of a layer, and those of the solution, on other numbers of the same shape."""
    arrays, inputs, right = [], graph(1), solutions()["2.1"](5, 4).double().eval()
    known = record(cls(5, 4).double().eval(), inputs, arrays)
    replay = Replay(known["nodes"], known["result"], arrays)
    others = [*graph(2)[:2], *inputs[2:]]
    with torch.no_grad():
        return replay, replay(*right.state_dict().values(), *others), right(*others)


@pytest.mark.parametrize("right", LAYERS, ids=lambda right: f"{right.task} {right.style}")
def test_layers_in_any_style_can_be_repeated(right):
    replay, got, expected = replayed(right.answer)
    assert torch.allclose(got, expected, rtol=1e-9)
    per_edge = 90 * (2 * 5 + 4) * 2 * 5
    assert (replay.multiplications < per_edge) == (right.task == "2.8")


def test_a_layer_that_saves_nothing_is_counted_in_full():
    (slow,) = (m.make() for m in MUTANTS if (m.task, m.cause) == ("2.8", "not faster"))
    replay, got, expected = replayed(slow)
    assert torch.allclose(got, expected, rtol=1e-9)
    assert replay.multiplications >= 90 * (2 * 5 + 4) * 2 * 5


def test_products_without_a_matrix_product_count_too():
    class Sly(solutions()["2.1"]):
        def forward(self, atoms, bonds, center, neighbor):
            z = torch.cat([atoms[center], atoms[neighbor], bonds], dim=1)
            z = (z[:, None, :] * self.fc_full.weight).sum(2) + self.fc_full.bias
            gate, core = self.bn1(z).chunk(2, dim=1)
            edges = torch.sigmoid(gate) * self.activation(core)
            message = torch.zeros_like(atoms).index_add(0, center, edges)
            return self.activation(atoms + self.bn2(message))

    replay, got, expected = replayed(Sly)
    assert torch.allclose(got, expected)
    assert replay.multiplications >= 90 * (2 * 5 + 4) * 2 * 5


def operation(name, *arguments, **options):
    return {"kind": "operation", "name": name, "arguments": arguments, "options": options}


GIVEN = {"kind": "given"}
FIRST = {"node": 0}
SIZES = {"list": [10**6, 10**6]}
REFUSED = {
    "a file": [operation("aten.from_file.default", "/etc/passwd", False, 10)],
    "not aten": [operation("prims.add.default", 1, 2)],
    "no operation": [operation("os.system")],
    "no overload": [operation("aten.add.__class__", 1, 2)],
    "huge": [operation("aten.zeros.default", SIZES)],
    "huge by expansion": [GIVEN, operation("aten.expand.default", FIRST, SIZES)],
    "huge by repetition": [GIVEN, operation("aten.repeat.default", FIRST, {"list": [10**9]})],
    "huge product": [
        operation("aten.zeros.default", {"list": [10**6, 1]}),
        operation("aten.t.default", FIRST),
        operation("aten.mm.default", FIRST, {"node": 1}),
    ],
    "huge count": [
        operation("aten.full.default", {"list": [1]}, 10**10, dtype={"dtype": "int64"}),
        operation("aten.bincount.default", FIRST),
    ],
    "from the future": [operation("aten.neg.default", {"node": 5})],
    "more given than there is": [GIVEN] * 3,
    "no list": 7,
    "too many": [GIVEN] * 5000,
    "no node": [None],
}


@pytest.mark.parametrize("nodes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(nodes):
    with pytest.raises(Garbled):
        Replay(nodes, FIRST, [])(torch.ones(1), torch.ones(1))
