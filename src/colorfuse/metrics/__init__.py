"""Metrics of colour quality, as functions of tensors; `evaluate` applies them to photos."""

from colorfuse.metrics.accuracy import ClassBalancedAccuracy, class_balanced_accuracy, raw_accuracy
from colorfuse.metrics.differences import ciede2000, psnr, psnr_ab, squared_error, ssim
from colorfuse.metrics.perceptual import create_fid, create_lpips, fid, lpips
from colorfuse.metrics.vividness import absolute_colorfulness, chroma_ratio, colorfulness, colorfulness_difference

__all__ = [
    "ClassBalancedAccuracy",
    "absolute_colorfulness",
    "chroma_ratio",
    "ciede2000",
    "class_balanced_accuracy",
    "colorfulness",
    "colorfulness_difference",
    "create_fid",
    "create_lpips",
    "fid",
    "lpips",
    "psnr",
    "psnr_ab",
    "raw_accuracy",
    "squared_error",
    "ssim",
]
