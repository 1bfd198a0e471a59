"""What known mistakes look like to the student: cause and cure, never code or numbers."""

_LAYER = {
    "no residual": "the layer forgets what the atom was: add `self.residual * v` to the message "
    "before the last activation.",
    "gate after sum": "the gate is applied after the sum over neighbors; each edge has a gate of "
    "its own, so multiply gate and core first and sum the products.",
    "gates and cores summed apart": "gates and cores are summed over neighbors one by one and the "
    "sums multiplied; multiply gate and core of each edge first and sum the products.",
    "summed at neighbor": "messages are summed at the neighbor, at the wrong end of the edge: edge "
    "e belongs to atom center[e].",
    "center and neighbor swapped": "v_neighbor comes before v_center in the concatenation; the "
    "weights expect center, neighbor, bond.",
    "bn1 missing": "bn1 is not used; it normalizes the result of fc_full, before it is split in "
    "halves.",
    "bn2 missing": "bn2 is not used; it normalizes the summed messages.",
    "both batch norms missing": "neither bn1 (after fc_full) nor bn2 (after the sum) is used.",
    "bn2 after the residual": "bn2 is applied after v was added; it normalizes the summed messages "
    "only.",
    "bn2 per edge": "bn2 is applied to each edge; sum over the edges first, then normalize.",
    "last softplus missing": "the last activation is missing: it is applied to residual plus "
    "message.",
    "core softplus missing": "the core (second half) goes through no activation before it is "
    "multiplied by the gate.",
    "sigmoid missing": "the gate (first half) goes through no sigmoid, so it is no gate between 0 "
    "and 1.",
    "sigmoid and softplus exchanged": "sigmoid and softplus are exchanged: the first half of the "
    "columns is the gate (sigmoid), the second the core (softplus).",
    "bond features first": "the bond features come first in the concatenation; the weights expect "
    "atoms first, bond features last.",
    "mean for sum": "the neighbors are averaged; the equation sums them.",
    "max for sum": "the largest message is taken; the equation sums all messages.",
    "one edge kept": "only one edge per center is kept: `message[center] = ...` and "
    "`message[center] += ...` overwrite when an index occurs twice; use index_add.",
    "sum over all edges": "every atom gets the sum over all edges of the batch; sum only the edges "
    "whose center it is.",
    "gate added": "gate and core are added; they are multiplied, element by element.",
    "interleaved halves": "every other column is taken; the halves are the first F and the last F "
    "columns, as chunk(2, dim=1) gives them.",
    "normalized by hand": "the sums are normalized with the mean and spread of this batch; call "
    "self.bn2, which in eval mode uses stored numbers.",
    "softplus hard-coded": "softplus is written into forward; use self.activation, which can be "
    "chosen.",
    "residual hard-coded": "v is always added; multiply it by self.residual, which is 0 when the "
    "residual is switched off.",
    "residual outside the softplus": "v is added after the last activation; add it to the "
    "message first, the activation is applied to both together.",
    "as printed": "this is Eq. (5) as it is printed. As its author coded it, it has three things "
    "more: bn1 after fc_full, bn2 after the sum, and a last activation around all.",
    "bn2 and last softplus missing": "bn2 and the last activation are missing: bn2 normalizes the "
    "summed messages, the activation is applied to residual plus message.",
    "edges reversed": "center and neighbor are exchanged throughout: edge e belongs to atom "
    "center[e], and its message comes from neighbor[e].",
    "sum lost": "the sums are 0, since the result of index_add is thrown away: it does not change "
    "the tensor it is called on, so give the result a name.",
}

_DTYPE = (
    "a new tensor has another dtype than the features: torch.zeros(...) takes torch's default, "
    "whatever came in. Make it with `x.new_zeros(...)` or `zeros_like(x)`, and do not convert."
)

MISTAKES: dict[str, dict[str, str]] = {
    "1.1": {
        "one per element": "there is one row per element; every site needs its own, also when two "
        "sites hold the same element.",
        "transposed": "rows and columns are exchanged: atoms are rows.",
        "off by one": "each atom has the vector of the element before it in the periodic table: "
        "use the atomic number itself, without - 1.",
        "only the first atom": "every row is the vector of the first atom: use the loop's site.",
        "site number for element": "a row of the table is taken by the number of the site; ask for "
        "the site's element, by its atomic number.",
        "sorted": "the atoms are sorted; keep the order of the sites.",
        "element for its number": "the table is asked for an element, its symbol or the site; it "
        "wants the atomic number, site.specie.Z.",
    },
    "1.2": {
        "cut at k": "exactly k neighbors are kept, which cuts a shell of equally far atoms in two "
        "and takes those that happen to be listed first: keep all within the tolerance.",
        "self images lost": "edges from an atom to its own periodic images are thrown away; an "
        "image in the next cell is a neighbor like any other, so do not ask center != neighbor.",
        "self images lost first": "edges from an atom to its own periodic images are thrown away "
        "before the k-th neighbor is looked for; an image in the next cell is a neighbor like any "
        "other, so do not ask center != neighbor.",
        "images lost": "only neighbors inside the unit cell are kept; crystals go on forever, so "
        "those in other cells count too.",
        "one image per pair": "every pair of atoms counts once, at its shortest distance; each "
        "image of an atom is a neighbor of its own.",
        "everything kept": "everything within the radius is kept; only the shells up to the k-th "
        "neighbor are wanted.",
        "tolerance ignored": "the tolerance is not used: neighbors a little further than the k-th "
        "belong to its shell.",
        "tolerance as a factor": "the k-th distance is multiplied by 1 + tolerance; the tolerance "
        "is a length, in angstrom: add it.",
        "k-th shell": "distances that occur several times are counted once, which goes on to the "
        "k-th shell; count neighbors, so that a shell of 12 counts 12 times.",
        "neighbor for center": "center and neighbor are exchanged: each edge is measured by the "
        "k-th distance of its center, the atom that looks for neighbors.",
        "one too many": "the limit is taken from neighbor k + 1: counting begins at 0, so the k-th "
        "distance is at position k - 1.",
        "one limit for all": "one distance limit serves all atoms; every atom has its own k-th "
        "distance.",
        "not sorted": "the k-th distance is read from the list as it comes; the pairs are in no "
        "order, so sort the distances of an atom first.",
        "defaults hard-coded": "k or the tolerance is written into the code; use the arguments.",
        "first shell only": "only the nearest shell is kept; go on to the k-th neighbor of each "
        "atom (not of all edges together).",
    },
    "1.3": {
        "not squared": "the difference of distance and center is not squared.",
        "width as variance": "the width is not squared: it is a length, like the distance.",
        "factor two": "there is a factor 2 in the exponent, as in the normal distribution; here it "
        "is (d - center)^2 / width^2.",
        "transposed": "rows and columns are exchanged: one row per distance, one column per "
        "center.",
        "minus missing": "the minus sign in the exponent is missing, so the function grows away "
        "from the center.",
        "normalized": "the Gaussians are normalized to area 1; here their peak is 1.",
        "sums to one": "the numbers of a row are divided by their sum; leave them as they are.",
        "width ignored": "the width is not used.",
    },
    "1.4": {
        "no offset": "atom indices are not raised, so edges of later crystals point at the atoms "
        "of the first: add the number of atoms that come before.",
        "offset of one end": "only one end of the edges is raised: center and neighbor both count "
        "atoms of the whole batch.",
        "offset counts edges": "indices are raised by the number of edges before; they count "
        "atoms.",
        "offset not cumulative": "indices are raised by the size of the one crystal before; all "
        "crystals before count (np.cumsum).",
        "offset one crystal late": "the first crystal is raised too; before it there are no atoms, "
        "so its offset is 0.",
        "crystal per edge": "`crystal` has one number per edge; it tells for each atom where it "
        "belongs.",
        "in place": "write `graph.center + start`, never `graph.center += start`: += changes the "
        "array of the graph itself, also when it has another name (`center = graph.center`).",
        "crystal from 1": "crystals are counted from 1; count from 0, they become row numbers.",
    },
    "2.1": _LAYER,
    "2.2": {
        "batch norm missing": "self.bn is not used; it normalizes the sum of both terms.",
        "softplus missing": "the activation at the end is missing.",
        "self term missing": "the atom itself is missing: add fc_self(v).",
        "self term per edge": "fc_self(v) is added once per edge; it belongs to the atom, once.",
        "center for neighbor": "the center's own features are summed; what arrives is v_neighbor.",
        "summed at neighbor": "the sums are collected at the wrong end: center and neighbor are "
        "exchanged.",
        "index_add at neighbor": "index_add collects at `neighbor`, at the wrong end of the edge: "
        "edge e belongs to atom center[e].",
        "sum lost": _LAYER["sum lost"],
        "residual outside the softplus": _LAYER["residual outside the softplus"],
        "mean for sum": "the neighbors are averaged; the equation sums them.",
        "residual always added": "v is always added; multiply it by self.residual (0 by default).",
        "residual ignored": "self.residual is not used: add self.residual * v before the "
        "activation.",
        "softplus per edge": "an activation is applied to each edge; the sum comes first, it is "
        "linear.",
        "bond features first": "the bond features come first in the concatenation; atom features "
        "come first.",
        "one edge kept": _LAYER["one edge kept"],
        "batch norm before self term": "the batch norm sees only the neighbors; it comes after "
        "both terms were added.",
    },
    "2.3": {
        "sum for mean": "the atoms are summed; divide by the number of atoms of each crystal.",
        "whole batch": "the mean runs over all atoms of the batch; keep the crystals apart.",
        "divided by all atoms": "the sums are divided by the number of atoms in the batch; each "
        "crystal has its own number.",
        "equal sizes": "all crystals are taken to be of the same size; count the atoms of each.",
        "mean over features": "the mean runs over the features of an atom too; only over atoms.",
        "one atom too many": "a starting row of zeros is counted as an atom: scatter_reduce needs "
        "include_self=False.",
        "divided by crystals": "the sums are divided by the number of crystals; divide by the "
        "number of atoms of each.",
        "counts not a column": "(C, F) is divided by (C,), which torch lines up from the right, so "
        "that columns are divided by counts: make the counts a column, unsqueeze(1).",
        "one atom kept": "only one atom of each crystal is kept: `sums[crystal] += ...` and "
        "`sums[crystal] = ...` overwrite when an index occurs twice; use index_add.",
        "sum lost": _LAYER["sum lost"],
        "transposed": "rows and columns are exchanged: crystals are rows.",
        "dtype": _DTYPE,
    },
    "2.4": {
        "zero buffer": "the maximum starts from zeros, so negative features are lost: start from "
        "minus infinity, or leave the start out (include_self=False).",
        "whole batch": "the maximum runs over all atoms of the batch; keep the crystals apart.",
        "minimum": "this is the smallest value.",
        "absolute value": "signs are lost: compare the features themselves.",
        "mean for max": "this is the mean.",
        "atom with the largest sum": "one atom is chosen for all features; each feature has a "
        "maximum of its own.",
        "max over features": "the maximum runs over the features too; only over atoms.",
        "one atom kept": "only one atom of each crystal is kept: `best[crystal] = ...` overwrites "
        "when an index occurs twice; use scatter_reduce, or a loop over the crystals.",
        "maximum lost": "the start is what comes back, since the result of scatter_reduce is "
        "thrown away: it does not change the tensor it is called on, so give the result a name.",
    },
    "2.5": {
        "softplus after pooling missing": "the pooled features go into conv_to_fc without an "
        "activation.",
        "softplus after conv_to_fc missing": "there is no activation after conv_to_fc.",
        "both softplus missing": "the activations before and after conv_to_fc are missing.",
        "hidden layers skipped": "self.fcs, the further hidden layers, are not used.",
        "hidden layers without softplus": "each layer of self.fcs needs an activation after it.",
        "softplus hard-coded": "softplus is written into forward; use self.activation.",
        "convolutions not chained": "every convolution gets the embedding; feed it with the result "
        "of the one before.",
        "one convolution repeated": "one convolution is used every time; loop over self.convs.",
        "convolutions skipped": "the convolutions are not used, or their results are lost.",
        "embedding through softplus": "the embedding goes through an activation; it is linear.",
        "dtype": _DTYPE,
        "residual twice": "v is added to the result of a convolution, which contains it already.",
        "last state only": "softmax pooling reads the states of all layers: give self.pool the "
        "list, the embedding first.",
        "readout without squeeze": "fc_out gives one column; self.readout(hidden) takes the column "
        "away and knows about classes.",
        "softplus on the prediction": "an activation follows the readout; energies are negative "
        "too, so there is none.",
        "center and neighbor swapped": "center and neighbor are exchanged in the call of the "
        "convolutions.",
    },
    "2.6": {
        "one call": "predict is called fewer than two times; compare a graph with a shuffled copy.",
        "in place": "the graph you were given is changed; make a new one with replace(...).",
        "nothing shuffled": "the second graph is the same as the first; shuffle the atoms.",
        "edges shuffled only": "the edges are shuffled, but the atoms keep their places.",
        "atoms not shuffled": "the edges change, but the atoms keep their places: this is another "
        "crystal.",
        "edges not relabeled": "the atoms are shuffled, but the edges still point at the old "
        "places: this is another crystal.",
        "one end relabeled": "only one end of the edges gets the new labels.",
        "another crystal": "the shuffled graph has other edges than the first.",
        "inverse permutation": "the edges get wrong labels. If new atom i was atom order[i], then "
        "old atom j is now at the place where order is j: that is np.argsort(order)[j].",
        "exact comparison": "numbers are compared exactly; additions in another order differ in "
        "the last digits, so use np.isclose with a small tolerance.",
        "never true": "your test says False even when all predictions are equal.",
        "expects extensive": "your test wants the prediction to change; it should stay the same.",
        "too tolerant": "the tolerance is so large that an error of 1 in 1000 is missed.",
        "sign of difference": "only one sign of the difference counts: take the absolute value.",
        "few atoms moved": "only a few atoms change places, so a model that reads one of the "
        "others passes; shuffle the whole list.",
        "one order": "one other order is tried, and where atoms are alike it may be one that "
        "changes nothing; try several random ones.",
        "special order": "only a special order is tried (reversed or shifted); take random ones.",
        "difference ignored": "the right graphs are made, but the predictions are not compared.",
    },
    "2.7": {
        "one call": "predict is called fewer than two times; compare a cell with a supercell.",
        "in place": "the structure you were given is changed; `structure * (2, 1, 1)` makes a new "
        "one.",
        "no supercell": "no larger cell is tried.",
        "another crystal": "the second structure is another crystal: a supercell has the same "
        "elements and the same volume per atom.",
        "expects extensive": "your test expects the prediction to grow with the cell; an intensive "
        "property, per atom, stays the same.",
        "exact comparison": "numbers are compared exactly; sums over more atoms differ in the last "
        "digits, so use np.isclose with a small tolerance.",
        "never true": "your test says False even when all predictions are equal.",
        "too tolerant": "the tolerance is so large that small errors are missed.",
        "sign of difference": "only one sign of the difference counts: take the absolute value.",
        "one direction": "the cell is repeated along one axis only, or one box that agrees is "
        "taken as enough; try all three axes, and all have to agree.",
        "difference ignored": "supercells are made, but the predictions are not compared.",
    },
    "2.8": _LAYER
    | {
        "bias missing": "the bias of fc_full is left out.",
        "bias added three times": "the bias is added to each of the three products; once in all.",
    },
    "3.1": {
        "not per atom": "this is the energy of the cell; divide by the number of atoms.",
        "each element once": "each element is counted once; every atom counts.",
        "references added": "the references are added; they are subtracted.",
        "divided by elements": "it is divided by the number of elements, not of atoms.",
        "only the energy divided": "only the total energy is divided by the number of atoms; the "
        "references too (mind the parentheses).",
        "only the references divided": "only the references are divided by the number of atoms; "
        "the total energy too (mind the parentheses).",
        "references ignored": "the references are not subtracted.",
        "sign": "the sign is wrong: energy minus references.",
        "mean of references": "the mean of the table is subtracted; sum over the atoms there are.",
    },
    "3.2": {
        "two B count twice": "two elements on B count 1 each; they share the site, one half each.",
        "second B lost": "only the first element on B is counted.",
        "assigned, not added": "when both B are the same element its share is 1: add the halves "
        "(+=), do not assign.",
        "sites mixed up": "the blocks are in the wrong order: A, then B, then X.",
        "not flattened": "the three blocks should follow each other in one row: flatten the table.",
        "flattened by element": "the numbers are ordered by element; first all of A, then B, then "
        "X.",
        "composition only": "the three sites are added up, which forgets where an element sits.",
    },
    "3.3": {
        "fitted on all": "mean and std are those of all targets, test included: a leak. Use "
        "train_index.",
        "sample deviation": "the sum of squares is divided by n - 1 (ddof=1, torch's default); "
        "divide by n.",
        "variance": "the second number is the variance; take its square root.",
        "exchanged": "mean and std are exchanged.",
        "index as targets": "these are mean and std of the row numbers: use targets[train_index].",
        "first rows": "the first rows are taken, as many as there are training crystals; which "
        "rows those are stands in train_index.",
        "std of all": "the mean is right, but the std is that of all targets.",
    },
    "3.4": {
        "squared error": "this is the squared error; the loss is L1, the mean absolute error.",
        "sum for mean": "errors are summed over the crystals; the loss is their mean.",
        "no clipping": "the gradient is not clipped: after backward() and before step(), bring "
        "its norm down to 1.0.",
        "(C,) against (C, 1)": "prediction and target have different shapes and are compared all "
        "with all; both are (C,).",
        "gradient not cleared": "gradients of earlier steps are still there: zero_grad() first.",
        "gradient cleared too late": "zero_grad() comes after backward and wipes the new gradient "
        "out: put it first.",
        "clipped by value": "each number is clipped; clip the norm of all (clip_grad_norm_).",
        "loss after the step": "the loss is that after the step; return the one you stepped on.",
        "no step": "optimizer.step() is missing.",
        "batch not unpacked": "the network is called as model(batch); it takes six arguments, "
        "which a star unpacks from batch.inputs(): model(*batch.inputs()).",
        "eval mode": "the model is put into eval mode; training happens in training mode.",
    },
    "3.5": {
        "train mode": "the model is evaluated in the mode it comes in; call model.eval() first.",
        "train mode switched on": "the model is evaluated in training mode: model.eval().",
        "mode not restored": "the model is left in eval mode; put it back as it was.",
        "left in training mode": "the model is left in training mode; put it back as it was.",
        "mean of batch means": "the means of the batches are averaged, so that crystals in small "
        "batches count more; sum the errors and divide by the number of crystals.",
        "not denormalized": "the prediction is still normalized: times std, plus mean.",
        "mean forgotten": "the prediction is multiplied by std, but the mean is not added.",
        "normalized again": "the prediction is normalized once more; it has to go the other way.",
        "(C,) against (C, 1)": "prediction and target have different shapes and are compared all "
        "with all; both are (C,).",
        "abs missing": "errors of both signs cancel: take absolute values.",
        "root mean square": "this is the root of the mean squared error.",
        "sum for mean": "errors are summed; divide by the number of crystals.",
        "last batch only": "only the last batch counts: add up over the loop.",
        "target in normalized units": "the error is in units of std; it should be in eV/atom.",
        "divided by atoms": "it is divided by the number of atoms; targets are per crystal.",
        "batch not unpacked": "the network is called as model(batch); it takes six arguments, "
        "which a star unpacks from batch.inputs(): model(*batch.inputs()).",
        "gradient recorded": "the model is called with gradients on, which costs memory: "
        "torch.no_grad().",
    },
    "4.1": {
        "overflow": "the exponential of a large score is infinite: subtract the row's maximum from "
        "the scores first.",
        "logarithm of softmax": "the softmax is computed first and its logarithm taken: a small "
        "probability is rounded to 0 by then, and log 0 is infinite. Stay with logarithms: score "
        "minus log of the sum.",
        "maximum of the batch": "the largest score of the whole batch is subtracted, so that rows "
        "far below it underflow to 0; every row has a maximum of its own.",
        "logarithm missing": "these are the probabilities; the logarithm is missing.",
        "wrong axis": "it is normalized over the crystals (dim=0); the classes of one crystal "
        "compete, dim=1.",
        "over the batch": "it is normalized over all numbers of the batch; each row by itself.",
        "maximum not added back": "the maximum is subtracted inside the sum only: use the shifted "
        "scores in both places.",
        "shifted in one place": "the maximum is subtracted outside the sum only: use the shifted "
        "scores in both places.",
        "sign": "the sign is wrong: logarithms of probabilities are negative.",
        "sum not logged": "the sum of exponentials is subtracted; its logarithm should be.",
        "by torch": "torch's own function does the work (cross_entropy has it inside too); write "
        "it yourself with exp, sum and log.",
        "epsilon": "a small number is added to the probability, or it is clamped, before the "
        "logarithm. That hides the infinity, and all hopeless crystals get one and the same loss, "
        "without a gradient: compute the logarithm from the scores.",
    },
    "4.2": {
        "minus missing": "the minus sign is missing: training would make the true class unlikely.",
        "sum for mean": "it is summed over the crystals; the loss is their mean.",
        "wrong class": "the column of the wrong class is taken: label 1 is column 1.",
        "probabilities": "probabilities are averaged, not their logarithms (a softmax or exp too "
        "many): the input holds log-probabilities already.",
        "logarithm twice": "the logarithm is taken of log-probabilities, which are negative.",
        "class 1 only": "column 1 is taken for every crystal; take that of its label.",
        "class 0 forgotten": "only perovskites count; crystals of class 0 add their own "
        "log-probability, in column 0.",
        "all with all": "[:, labels] takes every label for every crystal; row i goes with label i: "
        "index rows by torch.arange(C).",
        "divided by 2 C": "it is divided by the number of entries, 2 C; there are C crystals.",
        "larger one": "the larger of a crystal's two log-probabilities is taken, whatever its "
        "label; take that of the true class.",
        "both classes": "both columns are added up; only that of the true class counts.",
    },
    "4.3": {
        "rows and columns exchanged": "rows and columns are exchanged: the row is the truth.",
        "class 1 first": "class 1 comes first; row 0 and column 0 belong to class 0.",
        "columns exchanged": "the columns are exchanged: column 1 is a predicted 1.",
        "rows exchanged": "the rows are exchanged: row 1 is a true 1.",
        "overwritten": "counts[labels, predicted] += 1 adds 1 only once when an index occurs "
        "several times: count with a loop, np.add.at or np.bincount.",
        "fractions": "the counts are divided by the number of crystals; give the counts.",
        "fractions of a row": "the rows are divided by their sums; give the counts.",
        "flat": "the four counts are in one row: shape (2, 2).",
        "right ones only": "only crystals predicted right are counted; the mistakes belong beside "
        "the diagonal.",
    },
    "4.4": {
        "exchanged": "precision and recall are exchanged (or rows and columns): precision divides "
        "by those predicted, column 1, recall by those there are, row 1.",
        "class 0": "these are precision and recall of class 0; the perovskites are class 1.",
        "accuracy for recall": "the second number is the accuracy; recall looks at perovskites "
        "only.",
        "accuracy for precision": "the first number is the accuracy; precision looks at those "
        "predicted to be perovskites only.",
        "divided by all": "it is divided by the number of all crystals.",
        "specificity for recall": "the second number is the recall of class 0: take row 1.",
        "false positive rate": "the second number is the share of others taken for perovskites; "
        "recall is the share of perovskites found.",
        "errors for hits": "these are the shares of mistakes, one minus the right ones.",
        "NaN": "0 is divided by 0, which gives NaN: give 0.0 there.",
        "one for nothing": "1 is given where there is nothing to divide by; the task asks for 0.0.",
    },
    "4.5": {
        "ties ignored": "equal scores count nothing; each counts one half.",
        "ties count fully": "equal scores count as won (>=); each counts one half.",
        "one minus": "this is one minus the AUC: the perovskite should have the higher score (on "
        "a curve, true positives go up and false ones to the right).",
        "hard predictions": "scores are turned into 0 and 1 at a threshold of 0.5 first: compare "
        "the scores themselves.",
        "hard predictions, threshold 0": "scores are turned into 0 and 1 at 0 first: compare the "
        "scores themselves.",
        "accuracy": "this is the accuracy at a threshold of 0.5; the AUC has no threshold.",
        "labels not sorted along": "the scores are sorted, but the labels stay where they were: "
        "use the same order for both, from np.argsort.",
        "sorted upwards": "the curve begins at the lowest score; it begins at the highest, so the "
        "area is on the wrong side.",
        "one point per crystal": "crystals of equal score are taken one by one, so the result "
        "depends on their order: one point of the curve for each different score.",
        "lowest rank": "crystals of equal score get the lowest rank of their group; each gets the "
        "mean of the group's ranks.",
        "highest rank": "crystals of equal score get the highest rank of their group; each gets "
        "the mean of the group's ranks.",
        "dense rank": "crystals of equal score count as one in the ranks; each gets the mean of "
        "the ranks that the group takes up.",
        "divided by all pairs": "it is divided by all pairs of crystals; only pairs of a "
        "perovskite and another oxide are compared.",
        "start of the curve missing": "the curve starts at the first crystal; it starts at (0, 0).",
        "pair by pair": "the first perovskite is compared with the first other, and so on; every "
        "perovskite is compared with every other.",
        "turned above one half": "a value below one half is turned into one above; a score that "
        "points the wrong way should show.",
    },
    "4.6": {
        "images lost": "only distances inside the unit cell count; crystals go on forever, so "
        "images in neighboring cells count too.",
        "own image lost": "a site's own periodic images are left out; with one such atom in the "
        "cell they are all there is.",
        "zero": "this is the distance of a site from itself: leave out the site, keep its images.",
        "elements ignored": "any two atoms of the crystal count; both should hold one of the "
        "elements.",
        "to any atom": "this is the nearest neighbor of whatever element (the B-O bond); both "
        "sites should hold one of the elements.",
        "other elements": "the sites of all other elements are taken (A and B mixed up?).",
        "unlike only": "only pairs of two different elements count; two Ti count too.",
        "like only": "only pairs of the same element count; B and B' count too.",
        "first element only": "only the first element of the list is used.",
        "one atom only": "only one atom of the elements is looked at as the first of a pair; the "
        "two nearest may be others, so go through all.",
        "last atom only": "only the last atom of the elements is looked at as the first of a "
        "pair; the two nearest may be others, so go through all.",
        "own images only": "only the distance of an atom from its own images is taken; other "
        "atoms of the elements may be nearer.",
        "fractional coordinates": "the distance is in units of the cell: use cartesian "
        "coordinates, in angstrom.",
        "squared": "this is the square of the distance.",
        "shortest edge of the cell": "this is the shortest edge of the cell; two sites can be "
        "nearer than that.",
    },
}
