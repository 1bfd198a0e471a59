"""One writer of a gradebook: a second one is told in one sentence, a dead one locks nothing."""

import pytest
from grading_course import is_free

from crystalgraph.errors import CrystalGraphError
from crystalgraph.releasing.gradebook_lock import gradebook_lock

SENTENCE = r"is writing to the gradebook .*: wait until it is done, and start this again"


def test_a_second_writer_is_told(tmp_path):
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with gradebook_lock(url):
        (tmp_path / "link.db").symlink_to(tmp_path / "gradebook.db")
        for same in (url, f"sqlite:///{tmp_path / 'link.db'}"):
            with pytest.raises(CrystalGraphError, match=SENTENCE), gradebook_lock(same):
                pass
        assert is_free(f"sqlite:///{tmp_path / 'other.db'}")
    assert is_free(url)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    nowhere = f"sqlite:///{tmp_path / 'nowhere' / 'gradebook.db'}"
    with pytest.raises(CrystalGraphError, match="must be writable"), gradebook_lock(nowhere):
        pass
