"""Typesets one report in a process of its own: its values (JSON) come in by stdin, the PDF goes out by stdout.

Typst keeps what it has laid out for later compilations, some hundred megabytes for a long table; here that ends with
the process. The argument is the instant that the PDF names as its creation, in seconds since 1970 UTC.
"""

import sys
from pathlib import Path

import typst
from noto_cjk_sans_otc import FONT_PATH

TEMPLATE = Path(__file__).with_name("report.typ")


def main() -> None:
    """Read values, write a PDF."""
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[Path(str(FONT_PATH)).parent]
    )
    values = sys.stdin.buffer.read().decode()
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=fonts, sys_inputs={"report": values})
    pdf = compiler.compile(format="pdf", timestamp=int(sys.argv[1]), pdf_tags=False)
    if not isinstance(pdf, bytes):
        raise TypeError(f"Typst gave {type(pdf).__name__}; wanted is one PDF as bytes.")
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
