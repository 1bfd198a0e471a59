"""Build the course's site: python tools/build_site.py [--quick] [--links], or `start.py site`.

The sources are collected in docs/_build/source, the pages are written to docs/_build/html. Nothing
is fetched from the network when it is built (without --links) or read. A warning is an error.
"""

import argparse
import shutil
import sys
from pathlib import Path

from course_site.lab_pages import stage_labs
from course_site.pages import stage_public_files
from course_site.reference import stage_reference
from course_site.results import stage_results
from plotly.offline import get_plotlyjs
from sphinx.cmd.build import build_main

from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import REPO

OUT = REPO / "docs" / "_build"


def main(argv: list[str], out: Path = OUT) -> int:
    """Collect the sources and make pages of them; returns the exit code.

    Args:
        argv: of the command line.
        out: its folders source and html are deleted and made again.
    """
    parser = argparse.ArgumentParser(description="Build the course's site into docs/_build/html.")
    parser.add_argument(
        "--quick", action="store_true", help="execute nothing: no figures, no results"
    )
    parser.add_argument(
        "--links", action="store_true", help="then try every address on the pages, in the network"
    )
    args = parser.parse_args(argv)
    try:
        stage(out / "source", execute=not args.quick)
    except CrystalGraphError as error:
        print(f"build_site.py: {error}", file=sys.stderr)
        return 2
    code = build(out, "html")
    (out / "html" / "_static" / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    if args.links and code == 0:
        code = build(out, "linkcheck")
    print(f"{'' if code == 0 else 'with errors: '}{out / 'html' / 'index.html'}")
    return code


def stage(folder: Path, execute: bool) -> None:
    """Collect all sources of the site.

    Args:
        folder: for them; what was there is deleted.
        execute: whether notebooks are executed and results computed, which takes minutes.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    stage_public_files(folder)
    stage_reference(folder)
    stage_results(folder, with_figures=execute)
    stage_labs(folder, execute)


def build(out: Path, builder: str) -> int:
    """Make something of the sources; a warning is an error.

    Args:
        out: the sources are in its folder source.
        builder: of Sphinx, and the folder for what it makes.

    Returns:
        Sphinx's exit code.
    """
    shutil.rmtree(out / builder, ignore_errors=True)
    folders = ["-c", str(REPO / "docs"), "-d", str(out / "doctrees")]
    strict = ["-q", "--fail-on-warning", "--keep-going"]
    return build_main([*folders, *strict, "-b", builder, str(out / "source"), str(out / builder)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
