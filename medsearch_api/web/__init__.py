"""The page: HTML, CSS and JavaScript modules, served as they are. No build step, and nothing loaded from elsewhere.

`main.js` renders `page.js`, a template of `state.js`, after every change. `router` maps the URL fragment to a route and back,
`view-queries.js` says which queries each route needs, and `requests.js` runs them. The other folders hold one view each, or
what views share: `search`, `image`, `report`, `similar`, `compare`, `upload`, `shell`; `viewer` is the frame viewer, and
`vendor` holds lit-html, which renders the templates.
"""
