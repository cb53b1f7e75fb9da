"""The worker: what happens by itself, beside the service. Any number of workers share it."""
