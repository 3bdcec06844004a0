"""How much of a message is read for people. Beyond that a note says what is left out."""

#: Bytes of XML or JSON that are walked, all forms together.
MOST_BYTES = 48 * 2**20
#: Elements that are open at one time, in one document.
MOST_DEPTH = 64
#: Lines of a reading.
MOST_LINES = 20_000
#: Characters of one value that are shown.
MOST_TEXT = 2_000
#: Files that were in base64: so many are named.
MOST_FILES = 1_000
#: Forms within forms.
MOST_NESTED = 3
#: Characters of a text from which on it may be a file in base64.
LEAST_FILE = 24
