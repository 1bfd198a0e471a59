"""The course as a site: what its pages are made of. tools/build_site.py makes it."""
