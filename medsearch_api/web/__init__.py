"""The page: HTML, CSS and JavaScript modules, served as they lie here. No build step and nothing from elsewhere.

`vendor` holds lit-html, which renders its templates.
"""
