"""The course around the labs: set-up, handing out and in, the board, notebooks as pages."""
