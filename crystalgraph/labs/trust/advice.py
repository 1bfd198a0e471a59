"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES: dict[str, dict[str, str]] = {
    "1.1": {
        "rows exchanged": "rows and images do not belong together: row 0 is the source, the atom "
        "that sends (the neighbor), row 1 the target, the atom that receives (the center), and "
        "image is the cell of the source, with its sign.",
        "cut at k": "each atom has exactly k edges: neighbors at the same distance as the k-th "
        "belong to it too, so keep whole shells.",
        "no tolerance": "edges of one shell differ in their last digits, and some are cut off: "
        "keep all up to the distance of the k-th and 0.01 Å more.",
        "one too many": "the limit is the distance of the neighbor after the k-th; counting "
        "begins with 0, so the k-th smallest has the number k - 1.",
        "images merged": "two atoms have one edge, whatever the images; an atom of the next cell "
        "is another neighbor, with an edge of its own.",
        "k ignored": "the number of neighbors is always 12; it is the argument k.",
        "all within the radius": "every neighbor within the radius is kept; keep those up to the "
        "distance of the k-th nearest of each atom, and 0.01 Å more.",
        "images dropped": "the image of the neighbor is lost: an atom of the next cell is another "
        "neighbor than the same atom of this cell.",
        "own images left out": "edges from an atom to its own images are left out; in the next "
        "cell it is a neighbor like any other.",
        "pairs once": "each pair of atoms is there in one direction only; a message goes each way, "
        "so there are two edges.",
        "one k for all": "one distance is used for all atoms; each atom has a k-th neighbor of "
        "its own.",
        "kinds for elements": "z holds the numbers of the kinds of atoms, not atomic numbers: "
        "site.specie.Z, or structure.atomic_numbers.",
    },
    "1.2": {
        "center and neighbor exchanged": "x_j comes before x_i; the layer's columns are for the "
        "center first, then the neighbor, then the bond.",
        "halves exchanged": "gate and core are exchanged: the first half is the gate.",
        "no gate": "the gate is missing: the first half, between 0 and 1 after a sigmoid, "
        "multiplies the second.",
        "two sigmoids": "both halves go through a sigmoid; the second goes through softplus.",
        "softplus forgotten": "the second half goes through softplus.",
        "relu for softplus": "the second half goes through relu; softplus is its smooth form.",
        "added": "gate and core are added; the gate multiplies.",
        "alternate columns": "even and odd columns are taken apart; gate and core are the first "
        "and the last half of the columns.",
        "softmax over edges": "the gate is a softmax over the edges, so that they compete; here "
        "each edge has a sigmoid of its own.",
    },
    "1.3": {
        "order matters": "equal settings in another order have another key: sort the names before "
        "you write them as text.",
        "nested order matters": "the names of settings within settings are not sorted.",
        "values ignored": "only the names of the settings are in the key; their values decide too.",
        "names ignored": "only the values of the settings are in the key; their names decide too.",
        "step before ignored": "the step before is not in the key: other crystals with equal graph "
        "settings would get the graphs of the first.",
        "digits lost": "numbers are rounded: two settings that differ in a late digit have one "
        "key. Write each number with all its digits.",
        "no file name": "the key holds characters that a file name cannot have, or is too long: "
        "take a hash of the text, in hexadecimal digits.",
        "grows": "the key of the step before is copied into the key, so that keys grow from step "
        "to step: take a hash of the settings and that key together.",
        "keys meet": "different settings have one key: keep more digits of the hash (16 are "
        "enough), and hash a text in which the order of the characters counts.",
        "not repeatable": "the same settings give another key the second time, or tomorrow: no "
        "clock, no random number, no counter and no hash() of Python's may be in it.",
    },
    "1.4": {
        "signs kept": "errors of different sign cancel; take the absolute value first.",
        "absolute value too late": "the mean of an element is taken first, so that errors of "
        "different sign cancel; take the absolute value of each error.",
        "last one kept": "an element has the error of its last crystal; collect those of all its "
        "crystals.",
        "median": "it is the median; the mean was asked for.",
        "each atom counted": "a crystal counts once for each of its atoms of the element; it "
        "counts once.",
        "root mean square": "it is the root of the mean square; the mean of |error| was asked for.",
        "summed": "errors are added up; divide by the number of crystals with the element.",
        "divided by all": "the sum is divided by the number of all crystals; divide by the number "
        "of those that contain the element.",
        "shared": "the error of a crystal is distributed over its atoms; each of its elements "
        "gets all of it.",
    },
    "1.5": {
        "size not logarithmic": "the logarithm of the error is fitted to the size itself; a power "
        "law is a straight line when both are logarithmic.",
        "error not logarithmic": "the error itself is fitted to the logarithm of the size; a power "
        "law is a straight line when both are logarithmic.",
        "neither logarithmic": "the error itself is fitted to the size itself; a power law is a "
        "straight line when both are logarithmic.",
        "two logarithms": "sizes and errors have different logarithms, such as log10 and ln; the "
        "slope needs the same of both.",
        "intercept": "it is the intercept of the line; the exponent is its slope.",
        "order exchanged": "exponent and factor are exchanged: the exponent comes first.",
        "exponent not inverted": "the factor is 2 to the power of -exponent; from f to the power "
        "of the exponent = 1/2 follows 2 to the power of -1/exponent.",
        "axes exchanged": "size is fitted to error; fit error to size.",
        "sign lost": "the exponent of a falling curve is negative; yours is positive.",
        "ends only": "the line goes through the first and the last point only; fit all points.",
        "factor upside down": "the factor is below 1: more data are needed to halve an error, not "
        "fewer.",
        "twice for half": "the factor is 2 to the power of the exponent, what twice the data do to "
        "the error. Asked is how many times the data halve it.",
    },
    "1.6": {
        "signs kept": "negative errors count as small; take the absolute value.",
        "edge left out": "an error that is exactly one or two spreads long counts as within.",
        "root forgotten": "the factor is the mean of the squares; its root was asked for.",
        "counts": "the shares are counts; divide by the number of crystals.",
        "means before the ratio": "the factor is the ratio of two means; take error / spread of "
        "each crystal first, then the root mean square.",
        "between one and two": "the second share is that between one and two spreads; those "
        "within one are within two as well.",
        "one spread for all": "all crystals are measured with the mean spread; each has its own.",
        "percent": "the shares are in percent; give numbers from 0 to 1.",
        "variance for spread": "errors are compared with the square of the spread; the spread is "
        "a standard deviation already.",
        "upside down": "the factor is spread divided by error; error divided by spread says how "
        "many times too short the bars are.",
        "mean for root mean square": "the factor is the mean of |error| / spread; the root of the "
        "mean square was asked for.",
        "outside": "the shares are those outside of the error bar; asked are those within.",
    },
    "1.7": {
        "groups apart": "crystals of one group are in two parts: distribute the groups, then "
        "collect the crystals of each.",
        "crystals of chosen groups only once": "only one crystal of each group is in a part; all "
        "crystals of the group belong there.",
        "shares exchanged": "the parts have wrong sizes: 70 % of the groups to train on, 10 % to "
        "validate on, 20 % to test on.",
        "crystals counted": "the shares are counted in crystals, so large groups push others "
        "out; count groups.",
        "groups lost": "some groups are in no part; what is left over belongs to a part too.",
        "groups returned": "numbers of groups are returned in place of numbers of crystals.",
        "seed ignored": "every seed gives the same split; shuffle the groups with "
        "np.random.default_rng(seed).",
        "not repeatable": "the same seed gives another split the second time: use no other random "
        "numbers than np.random.default_rng(seed).",
        "order of a set": "the split depends on the order of a set of texts, which is another one "
        "in every new process: sort the groups, with sorted or np.unique.",
    },
    "1.8": {
        "not a cause of the list": "give a text of CAUSES for every patient, letter by letter.",
        "rate too low": "a low learning rate makes a slow fall; B and E do not fall at all. Ask "
        "what the loss compares, and what the network is given.",
        "B and E exchanged": "B and E are exchanged: both stay at the error of the mean. Which of "
        "them gets the same inputs for all crystals?",
        "C has the wrong unit": "a wrong unit makes errors large, not NaN: the normalizer takes "
        "it out again. What grows without end?",
        "F keeps the last epoch": "the validation error of F does not rise; only its test error is "
        "far larger. What is different about its test crystals?",
        "A and H exchanged": "A and H are exchanged: look for the line that calls eval, and for "
        "the line that decides which weights are kept.",
        "G shares formulas": "G splits by formula like most others; read on, to its next line.",
        "I and D exchanged": "I and D are exchanged: which of them stops, and which is slow?",
    },
    "1.9": {
        "batch of one": "a batch of one crystal is left over, of which a batch norm has no "
        "spread: cut the crystals into batches of nearly equal size.",
        "described in every epoch": "crystals are described again and again; do it once, before "
        "the first epoch.",
        "inputs masked": "what is known is set to 0, so that all crystals look the same; set to 0 "
        "what is not known.",
        "unknown left in": "numbers that are not known (NaN) reach the network, and make every "
        "number NaN; set them to 0.",
        "shapes differ": "the predictions hardly differ: prediction (B, 1) minus target (B,) is "
        "a table of B x B differences, and the mean is the best answer to it. Give both one shape.",
        "hardly learned": "the error is still falling where the training ends: take more epochs, "
        "or a larger learning rate.",
        "rate too high": "the training runs away; take a smaller learning rate.",
        "normalized unit": "the predictions follow the targets, but in another unit: multiply by "
        "the spread and add the mean that were taken out.",
        "test used": "the targets of test crystals take part: train on the crystals of `train`, "
        "and choose the epoch with those of `val`.",
        "curve of training": "the curve is the error on training crystals, which always falls; "
        "choose the epoch with those of `val`.",
        "curve and prediction differ": "the lowest number of the curve is not the validation error "
        "of the predictions: both belong to one epoch, to a network in evaluation mode, and to "
        "the crystals of `val`.",
        "last epoch": "the network of the last epoch is returned; keep the weights of the epoch "
        "with the lowest validation error, as a copy.",
        "training mode": "numbers of other test crystals change a prediction. The network predicts "
        "in training mode: call eval() before every prediction. (Or inputs are scaled with all "
        "crystals: scale them with those of `train`.)",
        "normalizer of all": "mean and spread are those of all targets, test included; take those "
        "of the training crystals.",
        "learns from validation": "validation crystals take part in the learning, or in mean and "
        "spread: learn from `train` alone, and choose the epoch with `val`.",
        "not repeatable": "the same seed gives other predictions the second time; begin with "
        "torch.manual_seed(seed).",
    },
}
