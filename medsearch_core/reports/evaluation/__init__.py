"""How right the reader is: corpora of marked mentions, and gold standards of whole reports."""
