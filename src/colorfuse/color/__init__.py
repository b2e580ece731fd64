"""Conversions between sRGB and CIELAB on tensors.

Colours are sRGB after IEC 61966-2-1; CIELAB is that of CIE 15:2018, section 8.2.1, for D65 and the 2 degree
observer, with the exact constants 216/24389 and 24389/27. The white point is that of the sRGB primaries, so every
neutral gray has a = b = 0.
"""

from colorfuse.color.conversions import LabToRgb, RgbToLab, gray_to_lightness, lab_to_rgb, reduce_chroma, rgb_to_lab

__all__ = ["LabToRgb", "RgbToLab", "gray_to_lightness", "lab_to_rgb", "reduce_chroma", "rgb_to_lab"]
