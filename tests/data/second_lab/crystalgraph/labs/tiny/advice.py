"""What known mistakes look like to the student: cause and cure."""

MISTAKES = {
    "1.1": {
        "all atoms": "every atom is counted; count those with the atomic number alone.",
    },
}
