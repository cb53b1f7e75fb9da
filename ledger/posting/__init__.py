"""The way in: commands queue here, are decided in batches and committed together."""
