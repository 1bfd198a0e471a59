"""Right answers in other styles than the solution's: the checks must accept them all."""

from crystalgraph.labs.hw.instructor.right_answers import first_styles, further_styles
from crystalgraph.labs.known_answers import RightAnswer

RIGHT_ANSWERS: list[RightAnswer] = [*first_styles.RIGHT_ANSWERS, *further_styles.RIGHT_ANSWERS]
