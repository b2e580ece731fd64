"""Conversions between sRGB and CIELAB on tensors.

sRGB follows IEC 61966-2-1. CIELAB follows CIE 15:2018, section 8.2.1, for D65 and the 2 degree observer, with the
exact constants 216/24389 and 24389/27. The white point is that of sRGB, so every neutral gray has a = b = 0.
"""

from colorfuse.color.conversions import LabToRgb, RgbToLab, gray_to_lightness, lab_to_rgb, reduce_chroma, rgb_to_lab

__all__ = ["LabToRgb", "RgbToLab", "gray_to_lightness", "lab_to_rgb", "reduce_chroma", "rgb_to_lab"]
