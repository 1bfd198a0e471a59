"""Crystals as data: elements, features, graphs, data sets and loaders."""
