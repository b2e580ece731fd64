"""Inference: predicts colours at working size and upsamples them to the size of the photo."""
