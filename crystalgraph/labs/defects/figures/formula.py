"""The network as message, update and readout, each symbol beside its line of code."""

from __future__ import annotations

from html import escape

from IPython.display import HTML

ROWS = (
    (
        "message",
        "m<sub>i</sub> = Σ<sub>j</sub> M(v<sub>i</sub>, v<sub>j</sub>, u<sub>ij</sub>)",
        (
            ("v<sub>i</sub>", "features of the atom that listens", "atom_features[center]"),
            ("v<sub>j</sub>", "features of the neighbor that speaks", "atom_features[neighbor]"),
            ("u<sub>ij</sub>", "features of the distance between them", "bond_features"),
            (
                "M",
                "gate times core: sigmoid(f) · softplus(c), both halves of one linear layer",
                "torch.sigmoid(gate) * activation(core)",
            ),
            ("Σ", "sum over the edges of atom i", "index_add(0, center, message)"),
        ),
    ),
    (
        "update",
        "v<sub>i</sub>' = softplus(v<sub>i</sub> + BN m<sub>i</sub>)",
        (
            ("v + BN m", "add the message to what the atom was", "activation(v + bn2(m))"),
            ("'", "after two of them an atom knows two bonds far", "for conv in convs"),
        ),
    ),
    (
        "readout",
        "ŷ = R({v<sub>i</sub>}) = head(pool<sub>i</sub> v<sub>i</sub>)",
        (
            ("{v<sub>i</sub>}", "the atoms of a cell, in no order", "states[-1]"),
            ("pool", "mean or maximum: your tasks 1.4 and 1.5", "parts.mean_pool(...)"),
            ("head", "two linear layers, to one number", "fc_out(softplus(conv_to_fc(p)))"),
        ),
    ),
)  # fmt: skip
STYLE = "text-align:left;padding:3px 10px;vertical-align:top"


def message_passing() -> HTML:
    """A table of the three steps; a pointer at a symbol shows what it means."""
    body = "".join(_step(*row) for row in ROWS)
    head = "".join(f'<th style="{STYLE}">{one}</th>' for one in ("symbol", "meaning", "code"))
    return HTML(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _step(name: str, formula: str, symbols: tuple[tuple[str, str, str], ...]) -> str:
    title = f'<td colspan="3" style="{STYLE};background:#eef3f8"><b>{name}</b>&emsp;{formula}</td>'
    rows = "".join(
        f'<tr title="{escape(meaning)}"><td style="{STYLE}"><i>{symbol}</i></td>'
        f'<td style="{STYLE}">{escape(meaning)}</td>'
        f'<td style="{STYLE}"><code>{escape(code)}</code></td></tr>'
        for symbol, meaning, code in symbols
    )
    return f"<tr>{title}</tr>{rows}"
