"""For instructors only: never in the students' copy, never in the sandbox."""
