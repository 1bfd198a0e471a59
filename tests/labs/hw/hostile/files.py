"""Files, zips and notebooks that are damaged, renamed or made to harm."""

import io
import json
import stat
import zipfile
from collections.abc import Callable

from hand_in_builder import HandInBuilder, read_zip, zip_of

from crystalgraph.grading.intake.hand_ins import HandIn
from hostile.submission import HW, MODEL_FILE, Submission, correct, without

TASKS, NOTEBOOKS = HW.tasks, HW.notebooks
FIRST = NOTEBOOKS["1"]
TASKS_OF_FIRST = [task.id for task in TASKS.values() if task.where == FIRST]
TASKS_OF_MODEL = [task.id for task in TASKS.values() if task.where == MODEL_FILE]


def zipped(
    work: HandInBuilder,
    spoil: Callable[[zipfile.ZipFile], None] = lambda file: None,
    rename: Callable[[str], str] = str,
) -> bytes:
    """A hand-in's zip."""
    content = io.BytesIO(zip_of({rename(name): file for name, file in work.files.items()}))
    with zipfile.ZipFile(content, "a") as file:
        spoil(file)
    return content.getvalue()


def _slip(file: zipfile.ZipFile) -> None:
    for name in ("../../../solutions/hw/1_from_salt_to_graph.ipynb", "/tmp/gradebook.db"):
        file.writestr(name, "mine")
    file.writestr("../../.ssh/authorized_keys", "mine")


def _link(file: zipfile.ZipFile) -> None:
    link = zipfile.ZipInfo(MODEL_FILE)
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    file.writestr(link, "/home/instructor/course/model.py")


def _libraries(file: zipfile.ZipFile) -> None:
    for name in ("torch.py", "numpy/__init__.py", "crystalgraph/__init__.py", "sitecustomize.py"):
        file.writestr(name, "raise SystemExit('mine')\n")
    file.writestr("crystalgraph/course/__init__.py", "points = lambda *a: 99.0\n")


def _without_model(work: HandInBuilder) -> HandInBuilder:
    del work.files[MODEL_FILE]
    return work


def _bomb() -> HandIn:
    work = correct()
    work.files[MODEL_FILE] = b"#" * 300_000_000
    return read_zip(zipped(work))


def _encrypted() -> HandIn:
    """The flag alone: whoever believes it asks for a password."""
    content = bytearray(zipped(correct()))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + offset] |= 1
            at = content.find(signature, at + 4)
    return read_zip(bytes(content))


def _every_notebook(change: Callable[[dict], object]) -> Callable[[], HandIn]:
    def make() -> HandIn:
        work = correct()
        for name in NOTEBOOKS.values():
            work.json(name, change)
        return work.hand_in()

    return make


def _duplicate(notebook: dict) -> None:
    checks = [c for c in notebook["cells"] if "nbgrader" in c["metadata"]]
    notebook["cells"] += [json.loads(json.dumps(cell)) for cell in checks[-2:]]


def _strip(notebook: dict) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)


def _delete_checks(notebook: dict) -> None:
    notebook["cells"] = [c for c in notebook["cells"] if "points(" not in "".join(c["source"])]


def _raw_first(change: Callable[[bytes], bytes], name: str = FIRST) -> Callable[[], HandIn]:
    def make() -> HandIn:
        work = correct()
        work.files[name] = change(work.files[name])
        return work.hand_in()

    return make


def _deep(source: bytes) -> bytes:
    return source + b"\nx = " + b"(" * 100_000 + b")" * 100_000 + b"\n"


def _many_minus(source: bytes) -> bytes:
    return source + b"\nx = " + b"-" * 1_000_000 + b"1\n"


NO_MODEL = dict.fromkeys(TASKS_OF_MODEL, "MISSING_FILE")
NO_FIRST = dict.fromkeys(TASKS_OF_FIRST, "BAD_NOTEBOOK")
NO_IMPORT = dict.fromkeys(TASKS_OF_MODEL, "IMPORT_ERROR")
NOTHING = dict.fromkeys(TASKS, "TAMPERED")

SUBMISSIONS = [
    Submission(
        "zip slip",
        "paths in the zip that lead to solutions/, /tmp and ~/.ssh",
        lambda: read_zip(zipped(correct(), _slip)),
        "TAMPERED",
        0,
        NOTHING,
    ),
    Submission(
        "zip bomb",
        "a model_hw.py that unpacks to 300 MB",
        _bomb,
        "TAMPERED",
        without(*TASKS_OF_MODEL),
        dict.fromkeys(TASKS_OF_MODEL, "TAMPERED"),
    ),
    Submission(
        "symbolic link",
        "model_hw.py is a link to the instructor's model.py",
        lambda: read_zip(zipped(_without_model(correct()), _link)),
        "TAMPERED",
        without(*TASKS_OF_MODEL),
        dict.fromkeys(TASKS_OF_MODEL, "TAMPERED"),
    ),
    Submission(
        "libraries of one's own",
        "torch.py, numpy/, crystalgraph/ and sitecustomize.py beside the notebooks",
        lambda: read_zip(zipped(correct(), _libraries)),
        "OK",
        without(),
    ),
    Submission(
        "renamed files",
        "`Copy of ...` as Colab and `(1)` as browsers name them",
        lambda: read_zip(
            zipped(
                correct(),
                rename=lambda name: f"work/Copy of {name}".replace(".ipynb", " (1).ipynb"),
            )
        ),
        "OK",
        without(),
    ),
    Submission(
        "zip in a zip",
        "the zip was zipped once more",
        lambda: read_zip(zip_of({"hw_s001.zip": zipped(correct())})),
        "OK",
        without(),
    ),
    Submission(
        "no zip",
        "a text that is called hw_s001.zip",
        lambda: read_zip(b"my homework"),
        "MISSING_FILE",
        0,
        dict.fromkeys(TASKS, "MISSING_FILE"),
    ),
    Submission(
        "encrypted zip",
        "a zip that asks for a password",
        _encrypted,
        "MISSING_FILE",
        0,
        dict.fromkeys(TASKS, "MISSING_FILE"),
    ),
    Submission(
        "no model_hw.py",
        "one file was forgotten",
        lambda: read_zip(zipped(_without_model(correct()))),
        "MISSING_FILE",
        without(*TASKS_OF_MODEL),
        NO_MODEL,
    ),
    Submission(
        "half a notebook",
        "the first notebook ends in the middle",
        _raw_first(lambda content: content[: len(content) // 2]),
        "BAD_NOTEBOOK",
        without(*TASKS_OF_FIRST[1:]),
        NO_FIRST | {"1.1": "OK"},
    ),
    Submission(
        "nested JSON",
        "the first notebook is 200 000 brackets",
        _raw_first(lambda content: b"[" * 200_000),
        "BAD_NOTEBOOK",
        without(*TASKS_OF_FIRST),
        NO_FIRST,
    ),
    Submission(
        "duplicated cell ids",
        "graded cells occur twice, with the same grade_id",
        _every_notebook(_duplicate),
        "OK",
        without(),
    ),
    Submission(
        "stripped metadata",
        "no cell has metadata or an id",
        _every_notebook(_strip),
        "OK",
        without(),
    ),
    Submission(
        "deleted checks",
        "all cells that give points are gone",
        _every_notebook(_delete_checks),
        "OK",
        without(),
    ),
    Submission(
        "brackets for the parser",
        "100 000 brackets in model_hw.py, which crash Python's parser",
        _raw_first(_deep, MODEL_FILE),
        "IMPORT_ERROR",
        without(*TASKS_OF_MODEL),
        NO_IMPORT,
    ),
    Submission(
        "signs for the compiler",
        "a million minus signs in model_hw.py",
        _raw_first(_many_minus, MODEL_FILE),
        "OUT_OF_MEMORY or CRASHED",
        without(*TASKS_OF_MODEL),
        dict.fromkeys(TASKS_OF_MODEL, "OUT_OF_MEMORY or CRASHED"),
    ),
    Submission(
        "bytes that are no text",
        "model_hw.py holds zero bytes and broken UTF-8",
        _raw_first(lambda content: content + b"\nx = '\x00\xff\xfe'\n", MODEL_FILE),
        "IMPORT_ERROR",
        without(*TASKS_OF_MODEL),
        NO_IMPORT,
    ),
]
