"""Parts by name: which there are, and decorators that add one's own."""

from colorfuse.network.decoders import decoders
from colorfuse.network.encoders import encoders
from colorfuse.network.fusions import fusions
from colorfuse.objectives import objectives, terms

register_encoder, list_encoders = encoders.register, encoders.names
register_fusion, list_fusions = fusions.register, fusions.names
register_decoder, list_decoders = decoders.register, decoders.names
register_objective, list_objectives = objectives.register, objectives.names
register_term, list_terms = terms.register, terms.names
