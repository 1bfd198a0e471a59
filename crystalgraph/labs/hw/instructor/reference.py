"""The homework's right answers: what model.py defines, loaded from its path."""

from crystalgraph import paths
from crystalgraph.checking.python_file import load_python_file

model = load_python_file(paths.REPO / "model.py", "crystalgraph_reference_model")
"""The module; the library never imports model.py by name."""

ConvLayer = model.ConvLayer
SharedConvLayer = model.SharedConvLayer
FastConvLayer = model.FastConvLayer
CrystalGraphConvNet = model.CrystalGraphConvNet
mean_pool = model.mean_pool
