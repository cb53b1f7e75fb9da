"""The words for where and how: scenes of life and channels."""

SCENES = (
    "clothing",
    "food",
    "housing",
    "transport",
    "leisure",
    "government",
    "banking",
    "health",
    "education",
    "charity",
)
CHANNELS = ("app", "web", "pos", "branch", "phone", "file")
