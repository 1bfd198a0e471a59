"""Predict all crystals of a folder: python examples/own_folder.py CHECKPOINT FOLDER"""

import sys

import pandas as pd

from crystalgraph.networks.predictor import Predictor

checkpoint, folder = sys.argv[1:]
predictor = Predictor.load(checkpoint)
crystals = predictor.read([folder])
values, _ = predictor.predict(crystals)
column = f"{predictor.target} ({predictor.unit})"
table = pd.DataFrame({"id": [crystal.id for crystal in crystals], column: values})
table.to_csv("predictions.csv", index=False)
print(table.to_string(index=False))
