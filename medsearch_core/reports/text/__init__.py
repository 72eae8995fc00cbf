"""Report bytes to words: decoding, sections, units of reading, and the matching of phrases over them."""
