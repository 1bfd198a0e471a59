"""Settings of the site. tools/build_site.py collects its sources in docs/_build/source."""

from crystalgraph import __version__

project = "crystalgraph"
author = "The crystalgraph authors"
copyright = "The crystalgraph authors. Code MIT, data computed for this course CC BY 4.0"
version = release = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "course_site.mathml",
]

# --- pages ---------------------------------------------------------------------------------------

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_block"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # the outputs are in the notebooks: tools/course_site/lab_pages.py
nb_ipywidgets_js = {}  # would be fetched from the network
default_role = "code"
suppress_warnings = ["ref.python"]  # two classes may have attributes of one name

linkcheck_ignore = [r"https://(github\.com|colab\.research\.google\.com/github)/YOUR-COURSE/"]

# --- docstrings ----------------------------------------------------------------------------------

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
napoleon_use_rtype = False

# --- how it looks --------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_math_renderer = "mathml"
html_title = "crystalgraph"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_domain_indices = False
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}
