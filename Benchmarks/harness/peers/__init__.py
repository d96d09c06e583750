"""One module a peer. Each has FORMS: a name of the form to a class with

    prepare()            everything a user does once, before the query; timed apart
    run() -> object      the query, timed
    table(object)        the answer as an Arrow table with row_id and the features, not timed
    ordered              whether the answer comes in the spine's order
"""
