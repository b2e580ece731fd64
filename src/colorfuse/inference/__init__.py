"""From lightness to a coloured photo: the colours at working size, upsampled onto the photo's own lightness."""
