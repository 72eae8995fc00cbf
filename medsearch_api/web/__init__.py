"""The page: HTML, CSS and JavaScript modules, served as they lie here. No build step and nothing from elsewhere.

`main.js` renders `page.js`, a template of `state.js`, after every change; `place` is the address, `loads.js` and `needs.js`
what is asked for. A folder holds what one view shows, or what views share: `search`, `image`, `report`, `similar`,
`compare`, `upload`, `shell`; `viewer` the viewer of frames; `vendor` lit-html, which renders templates.
"""
