"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES: dict[str, dict[str, str]] = {
    "1.1": {
        "not refined": "the colors are the elements, as at the start: nothing was refined yet.",
        "one round": "there is one round only: an atom hears of its neighbors, but not of their "
        "neighbors. Repeat until there are no more colors than before.",
        "fixed number of rounds": "the number of rounds is fixed; the news of an edge of the "
        "crystal may need more. Repeat until there are no more colors than before.",
        "distance ignored": "neighbors at different distances count as equal: a neighbor is the "
        "pair of its distance class and its color.",
        "neighbor's color ignored": "only distances are compared: a neighbor is the pair of its "
        "distance class and its color.",
        "set for multiset": "equal neighbors are counted once; two of them are not the same as "
        "one, so keep how often each occurs.",
        "own color forgotten": "an atom's new color is made of its neighbors alone; its own old "
        "color belongs to it, or two elements may become one kind.",
        "elements forgotten": "all atoms begin with one color; begin with the atomic numbers.",
        "exact distances": "distances that differ in their last digits count as different; use "
        "the class of each distance, distance_classes(graph.distance).",
        "rounded distances": "distances are rounded: two that are nearly equal can be rounded up "
        "and down. Use the class of each distance, distance_classes(graph.distance).",
        "classes too wide": "distances that differ by more than the tolerance count as equal; use "
        "the class of each distance, distance_classes(graph.distance).",
        "neighbor for center": "center and neighbor are exchanged: an atom is described by the "
        "edges of which it is the center.",
        "order of edges": "the neighbors of an atom are compared in the order in which they are "
        "listed; the order means nothing, so sort them first.",
    },
    "1.2": {
        "edges of all atoms": "the weight counts the edges of all atoms of a kind; it is the "
        "number that each one of them has.",
        "weight one": "every weight is 1; count how many equal edges an atom of the kind has.",
        "multiplicity one": "every multiplicity is 1; count the atoms of each kind.",
        "share for multiplicity": "the multiplicity is divided by the number of atoms; give the "
        "number of atoms of each kind.",
        "atoms for kinds": "center or neighbor holds numbers of atoms; give the kind of the atom "
        "at each end.",
        "distances put together": "edges between the same two kinds are put together although "
        "their distances differ; edges are equal when both kinds and the distance class agree.",
        "exact distances": "edges whose distances differ in the last digits are listed apart; "
        "edges of one distance class are equal.",
        "not put together": "equal edges are listed one by one; put them together and count them.",
        "first atoms": "the atomic numbers are those of the first atoms of the list; take one "
        "atom of each kind.",
    },
    "1.3": {
        "multiplicity ignored": "each kind counts once; a kind of which the crystal has three "
        "atoms counts three times.",
        "sum for mean": "this is the sum over the atoms; divide by the number of atoms.",
        "divided by kinds": "the sum is divided by the number of kinds; divide by the number of "
        "atoms, which is the sum of the multiplicities.",
        "whole batch": "atoms of all crystals are averaged together; average each crystal alone.",
        "atoms of the batch": "the sum is divided by the atoms of the whole batch; divide by "
        "those of the crystal.",
    },
    "1.4": {
        "no two crystals": "a pair is two structures: return them with a comma in between.",
        "cell refused": "a cell is too large, too dense or too empty for this check: at most 24 "
        "atoms, 3 to 500 cubic angstrom for each, no two nearer than 0.7 angstrom.",
        "lonely atom": "an atom has no neighbor within 8 angstrom, so there is no graph.",
        "other elements": "the two crystals have different elements, or in another ratio; that is "
        "the first thing a network sees.",
        "another size": "the crystals are the same up to their size, and distances tell the size; "
        "make the shortest distances equal.",
        "rounded coordinates": "the distances of the two crystals are nearly equal; compute "
        "coordinates and lengths exactly, 1/3 in place of 0.333.",
        "told apart": "the two quotient graphs differ, so a network can tell the crystals apart. "
        "Compare the neighbors of an atom in both, shell by shell.",
        "same crystal": "pymatgen's StructureMatcher takes the two for the same crystal, in "
        "another cell, turned, mirrored, or nearly.",
        "a pair of the notebook": "this is a pair of the notebook, perhaps in another size or "
        "with other elements; find one of your own.",
    },
}
