"""A page that stands for a CloudWatch dashboard, with one custom widget in it.

The console's own stylesheet is not public. What is imitated is documented (CloudWatch User Guide, "Details about custom
widgets in CloudWatch"): there are default styles of tables, headings, `pre` and form elements, the classes `btn` and
`btn-primary`, two themes, and `cwdb-action`, whose content is data. The colors are near those of the console.
"""

# About the pixels of a widget of 6 columns, which is the default width, and of 24, which is the whole width.
WIDTHS = {6: 320, 24: 1400}
THEMES = ("light", "dark")
MARGIN = 16
ROOT_CLASS = 'class="permissions-probe {}"'

COLORS = {
    "light": {"back": "#ffffff", "text": "#16191f", "link": "#0961b9", "line": "#d5dbdb", "shade": "#f2f3f3", "on_button": "#ffffff"},
    "dark": {"back": "#0f1b2a", "text": "#d5dbdb", "link": "#75b5f1", "line": "#414d5c", "shade": "#192534", "on_button": "#0f1b2a"},
}
STYLE = """
body {{ margin: {margin}px; background: {back}; color: {text}; font: 14px/20px Helvetica, Arial, sans-serif; }}
#widget {{ width: {width}px; }}
#widget cwdb-action {{ display: none; }}
#widget a {{ color: {link}; }}
#widget table {{ border-collapse: collapse; width: 100%; }}
#widget th, #widget td {{ border-bottom: 1px solid {line}; padding: 4px 8px; text-align: left; }}
#widget h1 {{ font-size: 20px; }} #widget h2 {{ font-size: 18px; }} #widget h3 {{ font-size: 16px; }}
#widget pre {{ background: {shade}; padding: 8px; }}
#widget .btn {{ display: inline-block; padding: 4px 16px; border: 1px solid {link}; border-radius: 2px; color: {link}; cursor: pointer; }}
#widget .btn-primary {{ background: {link}; color: {on_button}; font-weight: bold; }}
"""
# The buttons are where the focus comes from and where it goes to.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A dashboard</title><style>{style}</style></head><body>
<button id="before">Before</button>
<div id="widget">{fragment}</div>
<button id="after">After</button>
</body></html>
"""


def host(fragment: str, width: int) -> str:
    """The dashboard, in the theme of the fragment."""
    theme = next((theme for theme in THEMES if ROOT_CLASS.format(theme) in fragment[:200]), THEMES[0])
    return PAGE.format(style=STYLE.format(width=width, margin=MARGIN, **COLORS[theme]), fragment=fragment)


def with_theme(fragment: str, theme: str) -> str:
    """The same fragment in a theme, which is in the class of its root and nowhere else."""
    return fragment.replace(ROOT_CLASS.format("light"), ROOT_CLASS.format(theme), 1)
