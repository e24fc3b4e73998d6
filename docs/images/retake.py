#!/usr/bin/env python3
"""Takes the pictures of the README again, from the sample day as it is analysed now.

    docs/images/retake.py [target/release/tapscope]

Needs python3 and a Chromium (report.png); the terminal's picture is drawn from what `inspect` prints in colour.
"""

import html
import os
import re
import subprocess
import sys
import tempfile
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "page"))
from browser import Browser, Page  # noqa: E402

CASE = ["stan=354826", "terminal=74730210"]
COLORS = {31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd"}
CELL, LINE, LEFT, TOP = 7.8, 18, 14.0, 27


def width(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def runs(line):
    """The pieces of a line with one look each: text, bold, faint, colour."""
    bold = faint = False
    color = None
    for piece in re.split(r"(\x1b\[[0-9;]*m)", line):
        if not piece.startswith("\x1b"):
            if piece:
                yield piece, bold, faint, color
            continue
        for code in (int(c or 0) for c in piece[2:-1].split(";")):
            if code == 0:
                bold = faint = False
                color = None
            elif code in (1, 2):
                bold, faint = bold or code == 1, faint or code == 2
            elif code == 22:
                bold = faint = False
            elif code == 39:
                color = None
            elif 90 <= code <= 97 or 30 <= code <= 37:
                color = COLORS.get(code % 60 if code >= 90 else code)


def terminal(text):
    lines = text.rstrip("\n").split("\n")
    wide = max(width(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines)
    w, h = round(2 * LEFT + wide * CELL), TOP + LINE * len(lines)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
        ' aria-label="tapscope inspect: the timeline of one payment in a terminal">',
        "<title>tapscope inspect: one payment whose host did not answer, in three lanes</title>"
        f'<rect width="{w}" height="{h}" rx="8" fill="#0d1117"/>',
        '<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,Noto Sans Mono CJK SC,monospace"'
        ' font-size="13" fill="#e6edf3">',
    ]
    for row, line in enumerate(lines):
        column = 0
        for piece, bold, faint, color in runs(line):
            look = (' font-weight="700"' if bold else "") + (' opacity="0.65"' if faint else "")
            look += f' fill="{color}"' if color else ""
            # Each word group stands where its cells are, whatever font the reader's machine has.
            for group in re.finditer(r"\S+(?: \S+)*", piece):
                text, at = group.group(), column + width(piece[: group.start()])
                out.append(
                    f'<text x="{LEFT + at * CELL:.1f}" y="{TOP + row * LINE}" textLength="{width(text) * CELL:.1f}"'
                    f' lengthAdjust="spacingAndGlyphs"{look}>{html.escape(text)}</text>'
                )
            column += width(piece)
    return "\n".join(out + ["</g></svg>"]) + "\n"


def main():
    tapscope = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "target/release/tapscope"))
    with tempfile.TemporaryDirectory() as work:
        day = os.path.join(work, "day")
        subprocess.run([tapscope, "analyze", "-q", "samples/day/input", "--out", day], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        story = subprocess.run(
            [tapscope, "inspect", day, *CASE, "--color", "always"], cwd=ROOT, check=True, capture_output=True, text=True,
            env={**os.environ, "COLUMNS": "104"},
        ).stdout
        with open(os.path.join(HERE, "inspect.svg"), "w", encoding="utf-8") as out:
            out.write(terminal(story))
        browser = Browser()
        try:
            page = Page(browser, 1280, 1180, "light")
            page.open(os.path.join(day, "report.html"))
            page.screenshot(os.path.join(HERE, "report.png"))
        finally:
            browser.close()


if __name__ == "__main__":
    main()
