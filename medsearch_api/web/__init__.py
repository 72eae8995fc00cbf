"""The page: plain HTML, CSS and JavaScript modules, served as they lie here. No build step and nothing from elsewhere."""
