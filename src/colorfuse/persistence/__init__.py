"""Saved colorizers: a folder of settings and tensors, on this machine or on the Hugging Face hub."""
