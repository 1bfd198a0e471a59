"""Many hand-ins: nothing stops the batch, nothing is lost, and any of it can be taken up again.

What happens when, so that a grader killed at any moment leaves no old score that looks new:

    1. the scores of those who are to be graded are taken back, in the gradebook and on disk
    2. hand-ins are graded, anywhere and in any order
    3. each result is written down as it comes: on disk, then into the gradebook
    4. grades.csv and the report on the class are made of the results on disk

With `resume` those who have a result of the very same hand-in are left alone in 1 and 2.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from tqdm import tqdm

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.intake.hand_ins import HandIn, read
from crystalgraph.grading.intake.sources import Source
from crystalgraph.grading.library_answers import library_answers
from crystalgraph.grading.reports.class_report import ClassNotes
from crystalgraph.grading.reports.gradebook import CourseGradebook
from crystalgraph.grading.result import Result
from crystalgraph.grading.results_folder import ResultsFolder
from crystalgraph.grading.similarity import Fingerprinter, Fingerprints, find_pairs
from crystalgraph.grading.workers import Graded

Grader = Callable[[Iterable[HandIn]], Iterable[Graded]]


@dataclass
class Batch:
    """Grading of many hand-ins, written down by this process alone.

    Attributes:
        store: the results folder, locked.
        gradebook: nbgrader's, opened.
        unwritten: student -> why a result could not be written everywhere.
        seen: student -> sentences on the hand-in that the instructor should read.
        fingerprints: student -> what is the student's own in the answers, to find copies by.
        missing: who has not handed in, of those whom the gradebook knows.
        from_libraries: student -> task -> functions that are its answer, and that were called.
    """

    store: ResultsFolder
    gradebook: CourseGradebook
    unwritten: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fingerprints: dict[str, Fingerprints] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    from_libraries: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lab = self.store.lab
        self._fingerprinter = Fingerprinter(self.lab)

    def grade(
        self, sources: Sequence[Source], grader: Grader, resume: bool = False
    ) -> list[Result]:
        """Grade all of them, or with `resume` those that are not graded yet.

        Args:
            sources: one for each student.
            grader: hand-ins in, results out.
            resume: keep the results that are there already.

        Returns:
            The results, by student.
        """
        void = self.store.to_be_voided()
        done = [one for one in sources if self._done(one, void)] if resume else []
        left = [one for one in sources if one not in done]
        void |= {one.student for one in left}
        with self.store.voiding(void):
            self.gradebook.void(void)
        self.store.write_tables()
        names = self.gradebook.names()
        results = []
        try:
            with tqdm(total=len(sources), unit="hand-in", file=sys.stderr, disable=None) as bar:
                for hand_in, result in self._all(done, left, grader):
                    self._record(hand_in, result)
                    results.append(result)
                    bar.set_postfix(Counter(str(result.status) for result in results))
                    bar.update()
        finally:
            notes = ClassNotes(find_pairs(self.fingerprints), self.from_libraries, names)
            self.store.write_tables(notes)
        self.missing = notes.missing(results)
        return sorted(results, key=lambda result: result.student)

    def _done(self, source: Source, void: Collection[str]) -> bool:
        """Whether this very hand-in was graded; what the grader failed at is tried once more."""
        result = None if source.student in void else self.store.read(source.student)
        if result is None or result.status.is_ours:
            return False
        return result.fingerprint == self._read(source).fingerprint

    def _all(
        self, done: list[Source], left: list[Source], grader: Grader
    ) -> Iterator[tuple[HandIn, Result]]:
        """Results that are there, then new ones, which are on disk when they come."""
        for source in done:
            if (result := self.store.read(source.student)) is not None:
                hand_in, known = self._read(source), result
                with self._surviving(result.student):  # the due date may be another one by now
                    result = replace(known, late=self.gradebook.lateness(hand_in))
                    if result != known:
                        self.store.write(result)
                yield hand_in, result
        for hand_in, result, log in grader(map(self._read, left)):
            result = replace(result, seen=(*hand_in.seen, *result.seen))
            with self._surviving(result.student):
                result = replace(result, late=self.gradebook.lateness(hand_in))
            with self._surviving(result.student):
                self.store.write(result, log)
            yield hand_in, result

    def _record(self, hand_in: HandIn, result: Result) -> None:
        """Write a result into the gradebook, and remember what copies are found by."""
        if hand_in.seen:
            self.seen[hand_in.student] = hand_in.seen
        with self._surviving(result.student):
            answers = read_answers(hand_in, self.lab)
            self.gradebook.write(result, answers)
            self.fingerprints[result.student] = self._fingerprinter.of_answers(answers)
            self.from_libraries[result.student] = library_answers(answers, self.lab)

    def _read(self, source: Source) -> HandIn:
        return read(source, self.lab)

    @contextmanager
    def _surviving(self, student: str) -> Iterator[None]:
        """A full disk or a locked database is reported at the end; the others go on."""
        try:
            yield
        except Exception as error:
            self.unwritten[student] = f"{type(error).__name__}: {error}"
