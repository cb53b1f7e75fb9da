"""Structs of the HTTP API: what callers send, and answers about the set-up.

Unknown fields are refused, so a typing error never passes silently. A file for each resource.
"""
