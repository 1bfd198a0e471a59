"""The course as a site: `python tools/course_site`, which `python start.py site` calls."""
