"""The studio: a local web page on which a photo is coloured by hints. `colorfuse studio` serves it."""
