"""What was in force beside what is: differences by name, and the sentence about them."""

from pathlib import Path

import pytest

from crystalgraph.errors import CrystalGraphError
from crystalgraph.experiments.in_force import differences, require_current

TODAY = {"graphs": {"k": 12, "bonds": {"width": 0.2}}, "seeds": (0, 1), "residual": None}
THEN = {"graphs": {"k": 12, "bonds": {"width": 0.2}}, "seeds": [0, 1], "residual": None}


def test_what_json_gives_back_is_the_same():
    assert differences(THEN | {"seconds": 3.0}, TODAY) == []
    require_current(THEN, TODAY, Path("runs.json"), "make them")


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ({"seeds": [0]}, "seeds: [0], today [0, 1]"),
        ({"graphs": {"k": 8, "bonds": {"width": 0.2}}}, "graphs.k: 8, today 12"),
        ({"graphs": {"k": 12, "bonds": {}}}, "graphs.bonds.width: not recorded, today 0.2"),
        ({"residual": False}, "residual: False, today None"),
    ],
)
def test_a_difference_is_named_with_both_values(then, said):
    assert differences(THEN | then, TODAY) == [said]
    with pytest.raises(CrystalGraphError) as refused:
        require_current(THEN | then, TODAY, Path("runs.json"), "make them")
    assert str(refused.value) == (
        f"A finished run in runs.json is not what one would get today ({said}): take the change "
        "back, or make the run again with `make them`."
    )


def test_what_was_never_recorded_differs():
    del (then := dict(THEN))["residual"]
    assert differences(then, TODAY) == ["residual: not recorded, today None"]
