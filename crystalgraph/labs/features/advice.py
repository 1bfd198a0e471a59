"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES = {
    "1.1": {
        "closed ends": "a value outside of the interval gets no bin: the first and the last bin "
        "are open, so they take it.",
        "wrapped around": "a value below the interval ends in one of the last bins: a negative "
        "index counts from the end, so limit the index to 0 ... n - 1.",
        "missing counted": "a missing value gets a bin: its row is all zeros.",
        "rounded": "the place is rounded to the nearest whole number; a bin begins at its lower "
        "edge, so round down.",
        "lower bin": "a value on an edge goes to the bin below; it belongs to the one above.",
        "edges for bins": "the interval is cut into n - 1 parts; n bins have n + 1 edges, the two "
        "ends among them.",
        "low forgotten": "the first bin begins at 0; it begins at `low`, so subtract that first.",
        "own ends": "the bins lie between the smallest and the largest value; they lie between "
        "`low` and `high`.",
        "missing kept": "a missing value gives a row of np.nan; nothing is known, so all its "
        "numbers are 0.",
        "cumulative": "all bins up to the value are set; set the one in which it lies.",
    },
    "1.2": {
        "closed ends": "the first and the last interval have an end; their bins took every value "
        "on that side, so write -np.inf and np.inf.",
        "missing decoded": "a row of zeros is read as an interval; no value was known, so both "
        "ends are np.nan.",
        "shifted": "the intervals are one bin too high; bin 0 begins at `low`.",
        "bin below": "the intervals are one bin too low: bin k ends at edge k + 1.",
        "low forgotten": "the edges are counted from 0; the first bin begins at `low`.",
        "n edges": "there are n edges only; n bins have n + 1 edges.",
        "signs of infinity": "the open ends have the wrong sign: below the first bin there is no "
        "end on the left, so -np.inf, and above the last one np.inf.",
        "edges for bins": "the interval is cut into n - 1 parts; n bins have n + 1 edges.",
        "ends exchanged": "upper and lower end are exchanged: the lower one comes first.",
        "middle": "both ends are the middle of the bin; the bits do not say where in the interval "
        "the value was.",
    },
    "1.3": {
        "sorted": "the parts are in another order than in the text.",
        "first part only": "only one part of the text is used: split it at the plus signs.",
        "last part only": "only the last part is in the table: collect the columns of every part.",
        "number ignored": "the number in the brackets is not used: it says how many bins.",
        "one name per part": "there is one name for each part; there has to be one for each "
        "column, so repeat it.",
        "encoder for property": "a column is named after its encoder; name it after the property.",
        "unknown skipped": "an unknown word is passed over in silence, and the table has fewer "
        "columns than were asked for: raise a ValueError.",
        "word not named": "the error does not name the unknown word.",
        "known not listed": "the error does not list what is known, so the reader has to guess.",
        "encoder not checked": "an unknown property is an error, but an unknown encoder is not "
        "named in one: look both words up.",
    },
    "1.4": {
        "masks exchanged": "what is left out and what is kept are exchanged: without property i "
        "all are on but i; alone, only i is.",
        "results exchanged": "the two results are in the other order: the increases come first.",
        "adds up": '"alone" has one property more each time: make a new mask for each, with one '
        "on.",
        "alone subtracted": "the error of all is subtracted from the error alone too; give that "
        "one as it is.",
        "sign": "the increase has the wrong sign: it is the error without the property minus the "
        "error with all.",
        "not subtracted": "the error of all properties is not subtracted.",
        "not restored": "what was left out once stays out: make a new mask for each property.",
        "in percent": "the increase is divided by the error of all; give the difference itself.",
        "compared with none": "the increase is counted from the error without any property; count "
        "from the error with all.",
    },
    "1.5": {
        "last bin open": "a distance behind the cutoff gets a bin; here all bins end at the "
        "cutoff, so its row is zeros.",
        "centers at edges": "the Gaussians stand at the lower edges of the bins; put them in the "
        "middles.",
        "not squared": "the exponent has the distance from the center without the square.",
        "factor of two": "the exponent is divided by 2, as in a normal distribution; here it is "
        "not.",
        "cut off": "the Gaussians are 0 behind the cutoff; only bins and waves are.",
        "sign of the exponent": "the exponent is positive, so the numbers grow without end: take "
        "the square first, then the minus sign.",
        "width not squared": "the square is taken before the division: divide by the length of a "
        "bin, then square.",
        "cutoff ignored": "the cutoff is 8 angstrom whatever is given: use `cutoff`.",
        "rounded": "the bin is the nearest edge; a bin begins at its lower edge, so round down.",
        "width one": "the width is 1 angstrom whatever the bins: it is the length of a bin.",
        "wave zero": "the waves are numbered from 0, and number 0 is zero everywhere: begin "
        "with 1.",
        "not divided": "the waves are not divided by the distance.",
        "no root": "the factor sqrt(2 / cutoff) is missing.",
        "root forgotten": "the waves are multiplied by 2 / cutoff in place of its square root.",
        "fades in": "the factor is 0 at short distances and 1 at the cutoff; it should be the "
        "other way round, with a plus sign before the cosine.",
        "hard cutoff": "the waves are not faded out: they reach the cutoff with a kink. Multiply "
        "by the factor.",
        "comes back": "behind the cutoff the factor grows again: there all waves are 0.",
        "one kind": "every kind gives the same numbers: look at `kind`.",
    },
    "1.6": {
        "always smooth": "every basis is found smooth: does the result come from a comparison, "
        "and is it the largest step that is compared? A mean hides a jump.",
        "always stepped": "every basis is found stepped: does the result come from a comparison, "
        "and of each row with the one before it, on an ordered grid?",
        "turned around": "the result is the wrong way round: True is for a smooth basis.",
        "up only": "a jump downwards is not seen: the size of a step counts, so take `abs()`.",
        "fixed limit": "steps are compared with a fixed size, so a large smooth basis fails and a "
        "small stepped one passes. Compare the largest step on two grids, one finer.",
        "coarse grid": "the grid is so coarse that a steep smooth basis looks stepped: more "
        "points.",
        "first column": "only the first column is looked at; a step may be in any of them.",
        "sum of columns": "the columns are added up before the comparison, and a step up in one "
        "hides a step down in another.",
        "flat is stepped": "a basis is called stepped because it is flat somewhere; a smooth one "
        "can be, and a jump can hide in one that never is. Compare largest steps.",
    },
}
