"""Names of parts, for tests that compose networks of all of them."""

import colorfuse as cf

SYSTEMS = ("cheng2015", "iizuka2016", "zhang2016", "zhang2017")
"""Whole systems, whose parts are large and made for one another."""

ENCODERS = [name for name in cf.list_encoders() if name not in SYSTEMS]
FUSIONS = cf.list_fusions()
DECODERS = [name for name in cf.list_decoders() if name not in SYSTEMS]
