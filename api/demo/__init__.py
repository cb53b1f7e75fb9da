"""The demo city: invented citizens and partners, and what they did in the month up to now.

``city.py`` says who takes part, ``month.py`` and ``life.py`` make up what happened, ``loading.py`` posts it
through the same intake and posters as every other command. Nothing in it is taken from a real person or business.
"""
