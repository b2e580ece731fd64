"""The system of Deshpande et al. 2015, from filters to the colorizer."""
