"""What may be wrong with a training."""

CAUSES = (
    "validation and training share formulas",
    "the normalizer is fitted on all crystals",
    "known inputs are masked",
    "graphs are built in every epoch",
    "the learning rate grows",
    "the learning rate is too low",
    "a batch of one crystal",
    "prediction and target differ in shape",
    "gradients are never reset",
    "validation runs in training mode",
    "the last epoch is kept",
    "the targets have the wrong unit",
)
"""What may be wrong with a training; some of it is wrong with none of the patients."""
