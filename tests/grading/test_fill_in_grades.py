"""tools/fill_in_grades.py: one column of a platform's table changes, and nothing else."""

import csv
import subprocess
import sys

import pytest

from crystalgraph.paths import REPO

MAXIMUM = "the maximum to enter in the platform is 161"
EXPORTED = """assignment,student_id,last_name,raw_score,score
quiz,s001,,1.0,1.0
hw,s001,,120.0,120.0
hw,s002,,9.0,8.5
"""
CANVAS = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Homework (4711),Final
    Points Possible,,,,,116,(read only)
"One, A",11,u1,s001,A,,
Two,12,u2, s002 ,A,3,
Three,13,u3,s003,B,7,
"""
MOODLE = """First name,ID number,Email address,Assignment: Homework (Real)
A,s001,a@example.org,-
B,s002,b@example.org,-
"""


def run(folder, table, *arguments):
    """The tool on a platform's table; returns what it did, and the rows it wrote."""
    (folder / "table.csv").write_text(table, encoding="utf-8")
    (folder / "grades.csv").write_text(EXPORTED, encoding="utf-8")
    tool = str(REPO / "tools" / "fill_in_grades.py")
    command = [sys.executable, tool, "table.csv", "--grades", "grades.csv", "--out", "upload.csv"]
    done = subprocess.run(
        [*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=120
    )
    upload = folder / "upload.csv"
    text = upload.read_text(encoding="utf-8") if upload.exists() else ""
    return done, list(csv.reader(text.splitlines()))


def test_canvas(tmp_path):
    done, rows = run(tmp_path, CANVAS, "--ids", "SIS Login ID", "--column", "Homework (4711)")
    assert (done.returncode, done.stdout) == (0, f"upload.csv: 2 grades; {MAXIMUM}\n")
    before = list(csv.reader(CANVAS.removeprefix("\ufeff").splitlines()))
    assert [row[5] for row in rows[1:]] == ["116", "120.0", "8.5", "7"]
    assert [row[:5] + row[6:] for row in rows] == [row[:5] + row[6:] for row in before]


def test_moodle(tmp_path):
    column = "Assignment: Homework (Real)"
    done, rows = run(tmp_path, MOODLE, "--ids", "ID number", "--column", column)
    assert done.returncode == 0, done.stderr
    assert [row[3] for row in rows[1:]] == ["120.0", "8.5"]


def test_who_is_not_in_the_table_is_named(tmp_path):
    table = MOODLE.replace("s002", "s003")
    options = ("--ids", "ID number", "--column", "Assignment: Homework (Real)")
    done, rows = run(tmp_path, table, *options)
    assert (done.returncode, done.stdout) == (
        1,
        f"upload.csv: 1 grades; {MAXIMUM}\nnot in table.csv: s002\n",
    )
    assert [row[3] for row in rows[1:]] == ["120.0", "-"]


@pytest.mark.parametrize(
    "table, options, said",
    [
        (MOODLE, ("--ids", "Id", "--column", "x"), "has 0 columns 'Id' of 'First name'"),
        ("a,a,b\n1,2,3\n", ("--ids", "a", "--column", "b"), "has 2 columns 'a'"),
        ("", ("--ids", "a", "--column", "b"), "is empty: export it once more"),
    ],
)
def test_a_wrong_table_is_told_in_a_sentence(tmp_path, table, options, said):
    done, rows = run(tmp_path, table, *options)
    assert done.returncode == 1 and not rows
    assert done.stderr.startswith("fill_in_grades: table.csv") and said in done.stderr
    assert done.stderr.count("\n") == 1
