"""How Sphinx makes pages of docs/: `make docs`, into build/docs. They need nothing from the network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "simpleflow"
author = "the simpleflow authors"
copyright = author
release = version = version_of("simpleflow")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "generated"]
exclude_patterns = ["_ext"]
root_doc = "index"
language = "en"

smartquotes = False  # commands are copied from the pages
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
suppress_warnings = ["myst.header"]  # the changelog, which is included, begins below its page's title

default_role = "code"  # what stands in single backquotes in docstrings
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
maximum_signature_line_length = 100
napoleon_use_ivar = True
napoleon_custom_sections = [("Attributes", "params_style")]
napoleon_use_rtype = False

nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!simpleflow\.).*"),  # what is Python's, or a type variable: there is no network to look it up in
    # and inner parts of public classes
    (r"py:class", r"simpleflow\..*\.(_\w+|[A-Z]|\w_co|Node|Codec|Doorbell|Executes|Program|Context)"),
]

html_theme = "furo"
html_title = "simpleflow"
html_static_path = ["_static"]
html_css_files = ["simpleflow.css"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1c6b5f",
        "color-brand-content": "#1c6b5f",
        "color-brand-visited": "#1c6b5f",
        "color-api-name": "#1c6b5f",
        "color-api-pre-name": "#1c6b5f",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6cc5b4",
        "color-brand-content": "#6cc5b4",
        "color-brand-visited": "#6cc5b4",
        "color-api-name": "#6cc5b4",
        "color-api-pre-name": "#6cc5b4",
    },
    "navigation_with_keys": True,
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
