"""One frame of an object: its layout by the header, its bytes, and the samples that these hold."""
