"""A wheel is a students' copy: the library, and in crystalgraph/bundled the files it works with."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BUNDLED = ("assignments", "data", "model_hw.py")


class BuildWithCourse(build_py):
    """Copy what lies beside the library into it."""

    def run(self) -> None:
        if not self.editable_mode:  # of an earlier build, whose files would be packed as well
            shutil.rmtree(Path(self.build_lib, "crystalgraph"), ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "crystalgraph", "bundled")
        target.mkdir(parents=True)
        for source in map(Path, BUNDLED):
            ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
            if source.is_dir():
                shutil.copytree(source, target / source, ignore=ignored)
            else:
                shutil.copyfile(source, target / source)


setup(cmdclass={"build_py": BuildWithCourse})
