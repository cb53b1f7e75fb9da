"""Signing in to the pages: OpenID Connect (authorization code with PKCE), sessions, and who may see which page."""
