"""nbgrader's settings for this course; docs/instructors.md is the guide.

nbgrader reads this file when it is called in this folder.
"""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    Execute,
    GetGrades,
    LimitOutput,
    SaveAutoGrades,
)

from crystalgraph.labs import LABS
from crystalgraph.labs.lab import HIDDEN
from crystalgraph.paths import PACKAGE
from crystalgraph.releasing.address import students_repository
from crystalgraph.releasing.late_policy import LatePolicy
from crystalgraph.releasing.nbgrader_plugins import (
    RELEASE_PREPROCESSORS,
    DropWidgets,
    HandInCollector,
    MissingModelHook,
    NumberOrNothing,
    ReleaseHook,
    collected_files,
)

ROOT = Path(__file__).resolve().parent

c = get_config()  # noqa: F821  (nbgrader defines it)

c.CourseDirectory.course_id = "crystalgraph"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "submitted"
c.CourseDirectory.autograded_directory = "autograded"
c.CourseDirectory.feedback_directory = "feedback"

# --- release: nbgrader generate_assignment LAB --force
c.GenerateAssignment.preprocessors = RELEASE_PREPROCESSORS
c.GenerateAssignment.post_convert_hook = ReleaseHook(ROOT)
c.WriteNames.repository = students_repository(ROOT)

# --- collect: nbgrader zip_collect LAB
# Hand-ins are zips named LAB_STUDENT.zip; the last cell of every notebook makes them.
c.FileNameCollectorPlugin.named_regexp = collected_files()
c.FileNameCollectorPlugin.valid_ext = [".ipynb", ".py"]
c.ZipCollectApp.collector_plugin = HandInCollector  # knows when a hand-in was made
c.ZipCollectApp.strict = True

# --- grade: nbgrader autograde LAB
# The model file is the student's work: it must never be replaced by a file of ours.
c.Autograde.exclude_overwriting = {
    lab.id: [lab.model_file] for lab in LABS.values() if lab.model_file is not None
}
c.Autograde.pre_convert_hook = MissingModelHook(ROOT)
c.Autograde.autograde_preprocessors = [
    DropWidgets,
    Execute,
    NumberOrNothing,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.AssignLatePenalties.plugin_class = LatePolicy
c.GenerateFeedback.preprocessors = [DropWidgets, GetGrades, CSSHTMLHeaderPreprocessor]
c.LateSubmissionPlugin.penalty_method = "none"  # "zero": no points after the due date
c.LatePolicy.percent_per_day = 0  # 10: a tenth of a notebook's points for each day begun
c.LatePolicy.grace_minutes = 0  # 15: so late costs nothing
c.LatePolicy.extra_days = {}  # {"s001": 2}: two days more for this student
c.OverwriteCells.add_missing_cells = True  # a deleted check comes back and is graded
c.Execute.timeout = 60  # seconds a cell may take; nothing trains while grading
c.Execute.shutdown_kernel = "immediate"  # a kernel that is let go in peace takes a second or two

# nbgrader calls `alembic` by name, which fails where the environment was not activated.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

# The checks look for cases here too; kernels inherit the variable, students do not have them.
os.environ[HIDDEN] = str(PACKAGE / "labs")

# Kernels inherit this as well: for crystals of five atoms more threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
