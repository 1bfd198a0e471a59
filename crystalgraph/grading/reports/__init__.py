"""What comes out of grading: gradebook, feedback, report on the class."""
