"""GitHub on a laptop: REST routes, smart HTTP and pages over bare git repositories.

records     what is kept: accounts, pull requests, reviews, releases, deployments, ... as plain models
objects     commits, tags and changes of files as plain values
bare        one bare repository: refs, commits, comparisons, merges
hub         records and repositories together, with a clock and a file
exchange    one request and its answer; the route table
routes/     what each route does, one file per subject
render/     what each object looks like in JSON
rules       who may push and merge what
following   what becomes of pull requests when branches move
smart_http  clone, fetch and push
web         the pages people click
server      all of it as one application
"""
