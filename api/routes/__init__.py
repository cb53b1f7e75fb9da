"""Handlers of the HTTP API, a file for each resource; each declares every answer it can give."""
