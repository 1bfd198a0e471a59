"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES = {
    "1.1": {
        "self-loops": "each atom is its own neighbor: leave out the pairs (i, i).",
        "one direction": "each pair is there once; an edge is needed in both directions, (i, j) "
        "and (j, i).",
        "other molecules": "atoms of different molecules are joined: compare batch at both ends.",
        "far atoms": "atoms farther than the cutoff are joined, and near ones are not: turn the "
        "comparison around.",
        "squared distance": "the squared distance is compared with the cutoff; square the cutoff, "
        "or take the root.",
        "L1 distance": "the distance is the sum of the components' sizes; it is the root of the "
        "sum of their squares.",
        "counted in the molecule": "atoms are counted from 0 in each molecule; edges name atoms by "
        "their place in the whole list.",
    },
    "1.2": {
        "never moves": "the positions are handed on as they came: add the mean of the pushes to x.",
        "summed at j": "pushes and messages are summed at the neighbor, the wrong end of the edge: "
        "edge (i, j) belongs to atom i, row 0.",
        "ends swapped": "from_center is given the neighbor's features and from_neighbor the "
        "atom's own: exchange them.",
        "sum for mean": "the pushes on an atom are added up; divide by the number of its edges.",
        "sign": "atoms move the other way: d is x_i - x_j and the mean is added.",
        "x_i + x_j": "the positions at both ends are added; only their difference knows no origin.",
        "dot product": "the dot product of the positions stands where the distance should be; it "
        "depends on the origin.",
        "L1 distance": "the distance is the sum of the components' sizes, which changes when the "
        "molecule is turned: take the root of the sum of squares.",
        "components": "the three components of a push are treated differently: multiply d by one "
        "number per edge.",
        "tanh": "a tanh goes over each component of the displacement; any function of single "
        "components breaks the rotation, even where it is hard to see.",
        "cross product": "a cross product is in it: it turns along, but a mirror changes its sign.",
        "centered": "the mean position of the whole batch is subtracted: an atom may know its "
        "neighbors only.",
        "divided by all": "the pushes are divided by the number of all atoms; divide by the number "
        "of edges of the atom.",
        "no norm": "the push is d times phi_x: divide d by r + 1, or far neighbors push most.",
        "unit vector": "the push is d / r: the formula divides by r + 1.",
        "x replaced": "the new x is the mean of the pushes alone: add it to the old x.",
        "h_j forgotten": "the message reads the features of the atom itself at both ends.",
        "h replaced": "the new h is phi_h alone: add it to the old h.",
        "mean of messages": "the messages are averaged for h; the formula adds them up.",
        "shift forgotten": "shift is not used: d is x_i - x_j - shift.",
        "shift sign": "shift is added; it is subtracted.",
        "new positions": "h is made of distances of the new positions; both results are made of "
        "the old x and the old h.",
        "messages first": "phi_h is given the messages before h; h comes first.",
        "squared distance": "the Gaussians are given the squared distance; they take r.",
        "edges counted at j": "the pushes are divided by the number of edges that end at the atom "
        "as a neighbor; n_i counts the edges in which it is row 0.",
        "new features": "phi_x is given messages of the new features; both results are made of the "
        "old x and the old h.",
        "shift in the distance only": "the shift is subtracted for the distance, and not for the "
        "direction: d itself is x_i - x_j - shift.",
        "one push kept": "assignment with an index that occurs several times keeps one push of an "
        "atom: add them up with sum_at.",
        "lonely atoms": "an atom without edges is divided by 0: its number of edges counts as 1.",
    },
    "1.3": {
        "not orthogonal": "the matrix is not orthogonal, so it stretches: make its columns "
        "orthogonal and of length 1, as np.linalg.qr does.",
        "no reflection": "`reflect` is not used, or the sign is lost: make the determinant -1.",
        "reflects": "a rotation has determinant +1: look at the sign of the determinant, and "
        "change the sign of the matrix where it is wrong.",
        "seed not used": "the seed is not used: make the generator with it, "
        "np.random.default_rng(seed).",
        "always the same": "every seed gives the same matrix: draw it with the seed that is given.",
        "not every direction": "not every orientation is as likely as any other, as with turns "
        "around one axis only or with three angles drawn evenly: begin with normal numbers.",
        "one sign": "one entry keeps its sign, since QR fixes the signs of Q: multiply the columns "
        "of Q by the signs of the diagonal of R.",
    },
    "1.4": {
        "x not turned back": "the new x of the turned molecule is compared with the new x as it "
        "was; turn that too.",
        "h not compared": "only the new x is compared: h must not notice a rotation, a translation "
        "or the order.",
        "x not compared": "only the new h is compared: the new x has to turn, move and be listed "
        "along.",
        "exact comparison": "results are compared exactly; computers round, so allow a difference "
        "of 1e-10.",
        "too tolerant": "the tolerance is so wide that a small mistake passes; in double precision "
        "1e-10 is enough.",
        "one axis": "the molecule is turned around one axis only: use random_orthogonal.",
        "quarter turn": "the molecule is turned by quarter turns only: use random_orthogonal.",
        "rotation for reflection": 'under "reflection" another rotation is tried: its determinant '
        "has to be -1.",
        "edges not relabeled": "the atoms are listed in another order and the edges still name the "
        "old places: give each end of an edge its new place.",
        "moves not tested": '"moves" is True for every layer: compare the new x with the old one.',
        "differences with a sign": "a difference below 0 passes whatever its size; take absolute "
        "values first.",
        "distances only": "only the distances between the new positions are compared; a layer that "
        "pushes all atoms one way keeps them. Compare the positions.",
        "always true": "every layer is found right: does each value come from a comparison?",
    },
    "2.1": {
        "not centered": "the mean charge is not subtracted, so the result depends on the origin.",
        "centered on the batch": "the mean charge of the whole batch is subtracted: take the mean "
        "of each molecule.",
        "moves forgotten": "the moves of the atoms are left out.",
        "strength forgotten": "the sum of the moves is not multiplied by strength.",
        "moved positions": "the charges are multiplied by the moved positions; use x.",
        "sign of the moves": "the moves are counted backwards: they are moved - x.",
        "mean over atoms": "the atoms are averaged; they are added up.",
        "length": "this is the length; return the vector, the network takes its length.",
        "strength of all": "charges times positions are multiplied by strength too; only the moves "
        "are.",
    },
    "2.2": {
        "test included": "all rows are used; everything is fitted on the training rows alone.",
        "references for all": "targets that are not extensive have references too; theirs are 0.",
        "no references": "no target has references: the extensive ones need them.",
        "standard deviation": "mad is the standard deviation; it is the mean of the absolute "
        "differences from the mean.",
        "mad before references": "mad is that of the targets as they came; take away the "
        "references first.",
        "constant in the fit": "the least squares have a constant beside the elements; they have "
        "none.",
        "mean before references": "mean is that of the targets as they came; take away the "
        "references first.",
        "median": "the median stands where the mean should be.",
        "mad around 0": "mad is the mean of the absolute values; subtract the mean first.",
    },
    "2.3": {
        "squared": "the errors are squared; take their absolute values.",
        "root of squares": "this is the root of the mean of squares; take the mean of the "
        "absolute values.",
        "median": "the median is taken; large errors count in a mean, and hardly in a median.",
        "mean over targets": "targets are averaged as well: eV and debye in one number.",
        "sum": "the errors are added up; take their mean.",
        "per molecule": "there is one number for each molecule; average over the molecules, axis "
        "0.",
        "relative": "the errors are divided by the true values; they stay in their unit.",
        "signed": "errors of both signs cancel: take absolute values before the mean.",
    },
    "2.4": {
        "predictions for truth": "under truth the metric is given the predictions; give it the "
        "true values twice.",
        "not shuffled": "under shuffled the predictions are in their old order: use order.",
        "truth shuffled too": "predictions and true values are shuffled alike, so each molecule "
        "keeps its own prediction.",
        "truth shuffled": "the true values are shuffled; shuffle the predictions.",
        "arguments exchanged": "the metric is given the true values first; predictions come first.",
        "mean of the predictions": "the mean of the predictions is used; use train_mean.",
    },
    "2.5": {
        "all honest": "every report is found honest: compare the claimed number with those in the "
        "table.",
        "samples not looked at": "how samples and epoch were chosen is not looked at.",
        "copies not looked at": "test molecules that are in training too are not looked for.",
        "epoch not looked at": "the epoch is not compared with the best one on validation.",
        "file not looked at": "where in the file the samples come from is not looked at.",
        "another spread": "the spread is another one than in the table: it is the mean absolute "
        "deviation, reports.deviation, of the training molecules.",
        "too tolerant": "two numbers that differ by several percent pass for the same.",
        "test samples only": "only the test molecules are looked for in the second half of the "
        "file; no molecule of training may be there either.",
        "training samples only": "only the training molecules are looked for in the second half of "
        "the file; no test molecule may be there either.",
        "best on test": "an epoch that is best on test passes for a fake; it is one only where it "
        "is not the best on validation.",
        "gap only": "the mean over all targets is taken of the gap alone.",
    },
    "3.1": {
        "image sign": "the images have the wrong sign, or i and j are exchanged: the neighbor of i "
        "is at x[j] + image @ lattice.",
        "shift for image": "the shifts in angstrom are returned; return the whole numbers.",
        "wrapped": "the atoms are moved into the cell first, so the images belong to other "
        "positions; leave x as it is.",
        "nearest image only": "of each atom only the nearest image is kept; several can be near "
        "enough.",
        "no own images": "an atom's own images are left out; only the atom itself is no neighbor.",
        "itself": "an atom is its own neighbor at distance 0.",
        "too few images": "only images in the 26 cells around are tried; small cells and atoms "
        "outside of the cell need more.",
        "lattice transposed": "the cell vectors are taken as columns; they are the rows.",
        "one direction": "each pair is there once; both (i, j) and (j, i) are needed.",
    },
    "3.2": {
        "old neighbors": "the neighbors are found once; find them anew before each move.",
        "image for shift": "the images themselves are handed on; a shift is image @ lattice.",
        "moves added": "what move gives is added to the positions; it gives the new positions.",
        "shift sign": "the shift is handed on with the wrong sign.",
        "from the start": "each move begins at the first positions; begin at the last ones.",
    },
}
