"""The page: HTML, CSS and JavaScript modules, served as they are. No build step, and nothing loaded from elsewhere.

`main.js` renders `page.js`, a template of `state.js`, after every change. `router` maps the URL fragment to a route and back,
`view-queries.js` lists the queries that each route needs, and `requests.js` runs them. The other folders contain one view each,
or parts that views share: `search`, `image`, `report`, `similar`, `compare`, `upload`, `shell`. `viewer` is the frame viewer;
`vendor` contains lit-html, which renders the templates.
"""
