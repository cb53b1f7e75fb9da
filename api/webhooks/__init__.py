"""Webhooks: where they may lead, and how the worker plans, signs, sends and tries again."""
