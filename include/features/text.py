"""Words and letter groups of a text, in plain Python: what include/models/text.py does inside a served graph.

    text    cut to 256 bytes, control characters and broken UTF-8 become blanks, lower case
    words   runs of letters, marks and digits, the first 24 characters of each
    grams   "=word", and every group of 3 and 4 characters of "<word>"

Bojanowski et al., Enriching word vectors with subword information, TACL 2017 (letter groups with word boundaries).
"""

import unicodedata

BYTES = 256
"""A longer text is cut: a query of a megabyte costs no more than one of a line."""
WORD = 24
SIZES = (3, 4)


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    whole = text.encode("utf-8", "replace")[:BYTES].decode("utf-8", "ignore").lower()
    spaced = "".join(letter if unicodedata.category(letter)[0] in "LMN" else " " for letter in whole)
    return [word[:WORD] for word in spaced.split()]


def query_of(text: str) -> str:
    """A text as somebody would type it: its words in lower case."""
    return " ".join(words(text))


def grams(text: str) -> list[str]:
    """All pieces of a text that are hashed, word by word."""
    found = []
    for word in words(text):
        marked = f"<{word}>"
        found.append(f"={word}")
        found += [marked[i : i + size] for size in SIZES for i in range(len(marked) - size + 1)]
    return found
