"""What known mistakes look like to the student: cause and cure, never code or numbers."""

_LAYER = {
    "no residual": "the layer forgets what the atom was: add `self.residual * v` to the message "
    "before the last softplus.",
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
    "last softplus missing": "the last activation is missing: the result is the softplus of "
    "residual plus message.",
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
    "softplus hard-coded": "softplus is written into forward; use self.activation, which can be "
    "chosen.",
    "residual hard-coded": "v is always added; multiply it by self.residual, which is 0 when the "
    "residual is switched off.",
}

MISTAKES: dict[str, dict[str, str]] = {
    "1.1": {
        "one per element": "there is one row per element; every site needs its own, also when two "
        "sites hold the same element.",
        "transposed": "rows and columns are exchanged: atoms are rows.",
        "off by one": "each atom has the vector of the element before it in the periodic table: "
        "use the atomic number itself, without - 1.",
        "only the first atom": "every row is the vector of the first atom: use the loop's site.",
        "sorted": "the atoms are sorted; keep the order of the sites.",
    },
    "1.2": {
        "cut at k": "exactly k neighbors are kept, which cuts a shell of equally far atoms in two "
        "and takes those that happen to be listed first: keep all within the tolerance.",
        "self images lost": "edges from an atom to its own periodic images are thrown away; an "
        "image in the next cell is a neighbor like any other, so do not ask center != neighbor.",
        "images lost": "only neighbors inside the unit cell are kept; crystals go on forever, so "
        "those in other cells count too.",
        "everything kept": "everything within the radius is kept; only the shells up to the k-th "
        "neighbor are wanted.",
        "tolerance ignored": "the tolerance is not used: neighbors a little further than the k-th "
        "belong to its shell.",
        "one too many": "the limit is taken from neighbor k + 1: counting begins at 0, so the k-th "
        "distance is at position k - 1.",
        "one limit for all": "one distance limit serves all atoms; every atom has its own k-th "
        "distance.",
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
        "one call": "predict is called less than twice; compare a graph with a shuffled copy.",
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
        "expects extensive": "your test expects the prediction to change.",
        "too tolerant": "the tolerance is so large that an error of 1 in 1000 is missed.",
        "sign of difference": "only one sign of the difference counts: take the absolute value.",
        "special order": "only a special order is tried (reversed or shifted); take random ones.",
        "difference ignored": "the right graphs are made, but the predictions are not compared.",
    },
    "2.7": {
        "one call": "predict is called less than twice; compare a cell with a supercell.",
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
        "abs missing": "errors of both signs cancel: take absolute values.",
        "root mean square": "this is the root of the mean squared error.",
        "sum for mean": "errors are summed; divide by the number of crystals.",
        "last batch only": "only the last batch counts: add up over the loop.",
        "target in normalized units": "the error is in units of std; it should be in eV/atom.",
        "divided by atoms": "it is divided by the number of atoms; targets are per crystal.",
        "gradient recorded": "the model is called with gradients on, which costs memory: "
        "torch.no_grad().",
    },
}


def advice(task: str, cause: str) -> str:
    """Cause and cure of a known mistake, in a sentence or two."""
    return MISTAKES.get(task, {}).get(cause, f"{cause}.")
