"""The addresses of the course's two repositories."""

import pytest

from crystalgraph.releasing.address import check_addresses, normalized, students_repository
from crystalgraph.releasing.holes import ReleaseError

OWN = "https://github.com/physics-101/with-solutions"
PUBLIC = "https://github.com/physics-101/crystals"
SPELLINGS = [
    PUBLIC,
    f"{PUBLIC}/",
    f"{PUBLIC}.git",
    f"{PUBLIC}.git/",
    f" {PUBLIC} ",
    "http://github.com/physics-101/crystals",
    "https://www.github.com/physics-101/crystals",
    "https://GitHub.com/physics-101/crystals",
    "https://somebody@github.com/physics-101/crystals.git",
    "https://x-access-token:ghp_0@github.com/physics-101/crystals.git",
    "github.com/physics-101/crystals",
    "git@github.com:physics-101/crystals.git",
    "git@github.com:physics-101/crystals",
    "ssh://git@github.com/physics-101/crystals.git",
    "ssh://git@github.com:22/physics-101/crystals.git",
    "git://github.com/physics-101/crystals.git",
]


def course(folder, repository=OWN, students=PUBLIC):
    lines = [f'repository = "{repository}"', f'students = "{students}"']
    text = "\n".join(["[tool.crystalgraph]", *lines])
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("address", SPELLINGS)
def test_every_spelling_of_an_address_leads_to_the_repository(tmp_path, address):
    assert students_repository(course(tmp_path, students=address)) == "physics-101/crystals"
    check_addresses(tmp_path)


@pytest.mark.parametrize(
    "address",
    [
        "https://gitlab.com/physics-101/crystals",
        "https://codeberg.org/physics-101/crystals",
        "git@git.example.org:physics-101/crystals.git",
        "https://github.com/physics-101",
        "https://github.com/physics-101/crystals/tree/main",
        "https://github.com",
        "physics-101/crystals",
        "",
    ],
)
def test_badges_lead_to_github_alone(tmp_path, address):
    with pytest.raises(ReleaseError, match="write it as https://github.com/OWNER/NAME"):
        students_repository(course(tmp_path, students=address))


@pytest.mark.parametrize("address", SPELLINGS)
def test_one_repository_cannot_be_both(tmp_path, address):
    with pytest.raises(ReleaseError, match="students must not see the repository with the"):
        check_addresses(course(tmp_path, repository=address.replace("physics", "Physics")))


def test_the_own_repository_may_be_anywhere(tmp_path):
    check_addresses(course(tmp_path, repository="git@gitlab.example.org:physics/course.git"))
    assert normalized("/srv/git/course") == "/srv/git/course"


def test_a_placeholder_goes_out_to_nobody(tmp_path):
    with pytest.raises(ReleaseError, match="is a placeholder"):
        check_addresses(course(tmp_path, students="https://github.com/YOUR-COURSE/crystalgraph"))


def test_what_is_missing_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    with pytest.raises(ReleaseError, match="has no repository = "):
        students_repository(tmp_path)
