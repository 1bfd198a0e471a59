"""The five folds of a matbench task: python examples/matbench_folds.py FILE.json.gz [EPOCHS]

Prints the mean absolute error of each fold on its test crystals, of the network and of simple ones,
and below the mean and the standard deviation over the folds, as matbench reports them.
"""

import sys

import pandas as pd

from crystalgraph.crystals.datasets import FOLDS, make_split
from crystalgraph.crystals.loaders import load_dataset
from crystalgraph.experiments.baselines import fit_baselines
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.training import TrainSettings
from crystalgraph.networks.training_run import train_model, unit_of

file, *epochs = sys.argv[1:]
settings = TrainSettings(epochs=int(epochs[0])) if epochs else TrainSettings()
dataset = load_dataset(file)
target = next(iter(dataset.targets))
rows = {}
for fold in FOLDS:
    split = make_split(dataset, fold)
    _, run = train_model(dataset, split, load_model_class(), None, settings, target)
    simple = fit_baselines(dataset, split, target)
    rows[fold] = {"network": run.test_mae} | {name: one.mae["test"] for name, one in simple.items()}
table = pd.DataFrame(rows).T
print(f"MAE of {target} in {unit_of(dataset, target) or 'its unit'}")
print(pd.concat([table, table.agg(["mean", "std"])]).to_string(float_format="{:.4f}".format))
