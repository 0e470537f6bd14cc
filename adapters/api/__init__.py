"""The local REST API of the units of one adapter: what the command line does, for other systems of the same institution.

`app` puts the routes together, `document` describes them as OpenAPI, `server` serves them. No rule of its own: each route calls the same desk and
the same looks as the command line. Imports process and what lies under it; imported by nobody but `adapters.running`.
"""
