"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES: dict[str, dict[str, str]] = {
    "1.1": {
        "one site changed": "only one of the two sites ends with a new element, which makes an "
        "antisite that can be counted. Take both elements from the cell as it was given: where the "
        "first is overwritten, the partner gets back what it had.",
        "inside the cell only": "the partner is looked for inside the cell only; across the border "
        "another atom may be nearer, so ask for distances to periodic images.",
        "fractional coordinates": "distances are computed from fractional coordinates, in which "
        "the long axis of the vacuum counts as much as the others; they are needed in angstrom.",
        "any other element": "the partner is the nearest atom of any other element; it has to be "
        "of the element that the function is given.",
        "rounded fractions": "the nearest image is taken to be the one of the rounded fractional "
        "coordinates; in a slanted cell another image can be nearer, so ask pymatgen.",
        "farthest": "the partner is the atom that is farthest away; the nearest one is wanted.",
        "first of the element": "the partner is the first atom of the element in the list; the "
        "order of a list says nothing about distances.",
        "in place": "the cell that was given is changed, and with it the perfect twin; work on "
        "`cell.copy()`.",
    },
    "1.2": {
        "twins apart": "cells are distributed one by one, so that twins of one host end up in two "
        "parts; distribute the hosts, then collect the cells of each.",
        "seed ignored": "every seed gives the same split; begin a generator with the seed, and "
        "shuffle the hosts with it.",
        "not repeatable": "the same seed gives another split each time; use a generator that is "
        "begun with the seed inside the function, not the global one.",
        "order of a set": "the split depends on the order of a set of texts, which is another one "
        "in every new process: sort the hosts, with sorted or np.unique.",
        "hosts for cells": "the parts hold numbers of hosts; they have to hold numbers of cells, "
        "of which each host has several.",
        "validation and test exchanged": "validation and test are exchanged: the second part has "
        "15 %, the third 25 % of the hosts.",
        "no validation": "validation and test are the same hosts; a part that chooses the best "
        "epoch cannot also be the part that is reported on.",
        "one cell of each host": "only one cell of each host is kept; all cells of a host go "
        "where the host goes.",
    },
    "1.3": {
        "odd number of atoms": "the rule looks at the number of atoms; an antisite and a "
        "substitution leave it as it is. Look at the number of atoms of each element.",
        "common divisor above one": "any common divisor of the counts above one passes for a "
        "perfect cell; after a defect the counts can still share a small divisor by chance. How "
        "large is it at least in a perfect cell?",
        "even sizes only": "the rule asks for multiples of four; 3 x 3 and 5 x 5 cells have "
        "others. Ask what the counts have in common.",
        "rare element": "an element with few atoms passes for a defect; in a small perfect cell "
        "every element has few atoms, and a vacancy leaves none that is rare.",
        "turned round": "the answer is turned round: True means that there is a defect.",
        "smallest cell": "a perfect 2 x 2 cell passes for a defect; it has exactly the smallest "
        "divisor that is allowed. Compare < and <=.",
        "exactly n squared": "only a divisor of exactly n x n passes for a perfect cell; a host "
        "that has two atoms of every element gives twice that.",
        "odd count": "an odd count of an element passes for a defect; perfect 3 x 3 and 5 x 5 "
        "cells have odd counts, too.",
    },
    "1.4": {
        "multiplicity ignored": "each kind of atoms counts once; it has to count as often as it "
        "occurs in its cell.",
        "divided by kinds": "the weighted sum is divided by the number of kinds; divide by the "
        "number of atoms, the sum of the multiplicities.",
        "not divided": "this is the weighted sum; a mean is divided by the number of atoms.",
        "over the batch": "one mean over all cells is given to every cell; each cell has its own.",
        "divided by all atoms": "each sum is divided by the atoms of the whole batch; divide it "
        "by those of its own cell.",
        "one row kept": "only one row of each cell is kept: assignment with an index that occurs "
        "several times overwrites; use index_add.",
    },
    "1.5": {
        "over the batch": "one maximum over all cells is given to every cell; each cell has its "
        "own.",
        "starts at zero": "the maximum begins at 0, so that negative features never win; begin "
        "at minus infinity.",
        "mean": "this is a mean over rows; the largest value of each feature is wanted.",
        "minimum": "this is the smallest value; the largest is wanted.",
        "one row for all features": "all features are taken from one row; each feature has its "
        "own largest value, often in different rows.",
        "absolute value": "the value that is farthest from 0 is taken; -3 is smaller than 1.",
    },
    "1.6": {
        "norm without squares": "differences are added up without being squared; the length of a "
        "vector is the root of the sum of squares.",
        "root missing": "the root is missing: this is the square of the length, and the slope is "
        "twice as steep.",
        "averaged before the norm": "the vectors are averaged over the hosts before their length "
        "is taken, so that hosts cancel each other; take the length of each host's difference.",
        "mean over hosts": "this is the mean over the hosts; the median is wanted, which a single "
        "unusual host does not move.",
        "one axis not logarithmic": "the slope is one of log shift against N; both axes are "
        "logarithmic.",
        "no logarithm": "the slope is one of the numbers themselves; take the logarithm of both.",
        "offset": "the second number of the fit is returned, the offset; the slope is the first.",
        "slope of each host": "a line is fitted to each host; fit one to the medians.",
        "axes exchanged": "the slope is one of log N against log shift; it is the other way round.",
        "two ends only": "the slope is that from the first to the last size; fit a straight line "
        "to all sizes.",
        "length of the shift in the norm": "the difference of two lengths is taken; take the "
        "length of the difference.",
    },
    "1.7": {
        "highest of the batch": "one atom is flagged in the whole batch; every cell has its own.",
        "place within the cell": "the place of the highest score counts from the start of its "
        "cell, and is used for the whole batch; add what comes before the cell.",
        "chance per kind": "chance counts each kind of atoms once; a random atom is of a common "
        "kind more often, so weight with the multiplicity.",
        "chance over all atoms": "chance is taken over all atoms of all cells, in which large "
        "cells count more; compute it for each cell, then take the mean.",
        "rounded": "a flagged kind of which some atoms are at the defect counts as a hit or a "
        "miss; it counts with its share.",
        "chance first": "the two numbers are in the wrong order: the hit rate first, then chance.",
        "hits by number of atoms": "flagged kinds with many atoms count more; every cell counts "
        "once.",
        "sums": "these are sums over the cells; take means.",
        "lowest score": "the atom with the lowest score is flagged; the highest is wanted.",
        "above zero": "every atom with a score above 0 is flagged; only the highest of each cell "
        "is.",
    },
    "1.8": {
        "over the whole batch": "the mean of an element is taken over all cells of the batch; an "
        "atom is compared with its own cell only.",
        "over elements": "the mean of the cell is taken over all elements; an atom is compared "
        "with atoms of its own element.",
        "multiplicity ignored": "the mean counts each kind of atoms once; it has to count as often "
        "as it occurs.",
        "pairs that meet": "two different pairs of cell and element get the same number, so that "
        "atoms of two cells are put together; multiply the cell by more than any atomic number.",
        "runs in the list": "rows of an element form a group only where they follow each other in "
        "the list; an element can come back further down.",
        "sign kept": "the differences keep their sign, so that a maximum misses those below the "
        "mean; take absolute values.",
        "squared": "the differences are squared; absolute values are wanted.",
        "one number per atom": "the features are put together into one number for each atom; "
        "keep one for each feature.",
        "means returned": "these are the means themselves; subtract them from the features.",
    },
}
