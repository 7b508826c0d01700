"""Files of chats by their bytes, whatever they are called; and names that are safe to pass on.

The zip containers are written by Python's zipfile, in the orders that office programs use.
"""

import io
import zipfile

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.wire.document_types import LONGEST_NAME, document_type, file_name

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
MP4 = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
ELF = b"\x7fELF\x02\x01\x01\x00"
GZIP = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
ODT = "application/vnd.oasis.opendocument.text"


def _zip(*names: str, comment: bytes = b"", stored: dict[str, bytes] | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, content in (stored or {}).items():
            archive.writestr(name, content, zipfile.ZIP_STORED)
        for name in names:
            archive.writestr(name, b"<x/>" * 20, zipfile.ZIP_DEFLATED)
    return file.getvalue()


DOCX = _zip("[Content_Types].xml", "_rels/.rels", "word/document.xml")
# As openpyxl orders them.
XLSX = _zip("docProps/app.xml", "xl/workbook.xml", "[Content_Types].xml")
PPTX = _zip("[Content_Types].xml", "ppt/presentation.xml", comment=b"made by hand" * 100)
OPEN = _zip("content.xml", stored={"mimetype": ODT.encode()})


@pytest.mark.parametrize(
    ("data", "name", "mime", "extension"),
    [
        (PDF, "a.pdf", "application/pdf", ".pdf"),
        (PDF, "a.txt", "application/pdf", ".pdf"),
        (PDF, "", "application/pdf", ".pdf"),
        (DOCX, "a.docx", WORD, ".docx"),
        (DOCX, "a.zip", WORD, ".docx"),
        (XLSX, "", SHEET, ".xlsx"),
        (PPTX, "", SLIDES, ".pptx"),
        (OPEN, "", ODT, ".odt"),
        (_zip(stored={"mimetype": b"application/epub+zip"}), "b", "application/epub+zip", ".epub"),
        (OLE, "a.XLS", "application/vnd.ms-excel", ".xls"),
        (OLE, "a.doc", "application/msword", ".doc"),
        (PNG, "a.png", "image/png", ".png"),
        (PNG, "a.jpeg", "image/png", ".png"),
        (JPEG, "a.jpeg", "image/jpeg", ".jpeg"),
        (JPEG, "a.JPG", "image/jpeg", ".jpg"),
    ],
)
def test_bytes_decide(data: bytes, name: str, mime: str, extension: str) -> None:
    assert document_type(data, name) == (mime, extension)


@pytest.mark.parametrize(
    ("name", "mime", "extension"),
    [
        ("a.md", "text/markdown", ".md"),
        ("A.CSV", "text/csv", ".csv"),
        ("C:\\data\\a.json", "application/json", ".json"),
        ("main.py", "text/plain", ".py"),
        ("main.c++", "text/plain", ".c++"),
        ("a.tar.gz", "text/plain", ".txt"),
        ("Makefile", "text/plain", ".txt"),
        ("not.pdf", "text/plain", ".txt"),
        ("movie.mp4", "text/plain", ".txt"),
        ("a.m\u202ed", "text/markdown", ".md"),
        ("a.far too long for one", "text/plain", ".txt"),
        ("a.é", "text/plain", ".txt"),
        ("", "text/plain", ".txt"),
    ],
)
def test_of_text_the_name_tells_the_kind(name: str, mime: str, extension: str) -> None:
    assert document_type(b"some words\r\n\tand more\x0c", name) == (mime, extension)


@pytest.mark.parametrize(
    "data",
    [
        "unicode: é 世 🦊".encode(),
        "文字".encode("gb18030"),
        "dünn".encode("latin-1"),
        "文字".encode("iso-2022-jp"),
        "wide".encode("utf-16"),
        b"\xef\xbb\xbfwith a mark",
        b"ID3 tags, explained",
        b"PK is how a zip begins",
        b'{"json": true}',
    ],
)
def test_text_of_any_encoding_is_text(data: bytes) -> None:
    assert document_type(data, "a.txt") == ("text/plain", ".txt")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (MP4, "a.pdf"), (MP3, "a.txt"), (ELF, "a.txt"), (GZIP, "a.csv"), (b"", "a.txt"),
        (b"\xff\xfe", "a.txt"), (b"text\x00", "a.txt"), (OLE, "a.msi"), (OLE, ""),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", "a.heic"),
        # Archives, and those that only look like a document.
        (_zip("a.txt"), "a.docx"), (_zip("word/a.xml"), "a.docx"),
        (_zip("[Content_Types].xml", "words/a.xml"), "a.docx"),
        (_zip("[Content_Types].xml", "a/word/b"), "a.docx"),
        (_zip(stored={"a.docx": DOCX}), "a.docx"),
        (_zip(stored={"mimetype": b"application/x-other"}), "a.odt"),
        (DOCX[:-30], "a.docx"), (b"PK\x03\x04", "a.docx"), (b"PK\x03\x04PK\x05\x06", "a.docx"),
    ],
)  # fmt: skip
def test_what_no_model_reads_is_refused(data: bytes, name: str) -> None:
    assert document_type(data, name) is None


def test_a_directory_without_end_is_not_searched_for_ever() -> None:
    """A name beyond the first megabyte of a directory is not seen."""
    entry = b"PK\x01\x02" + bytes(42)
    directory = entry + b"[Content_Types].xml" + bytes(2**20) + entry + b"word/a"
    start = b"PK\x03\x04"
    end = b"PK\x05\x06" + bytes(8) + len(directory).to_bytes(4, "little") + b"\x04\0\0\0\0\0"

    assert document_type(start + directory + end, "") is None
    near = directory.replace(bytes(2**20), b"")
    end = b"PK\x05\x06" + bytes(8) + len(near).to_bytes(4, "little") + b"\x04\0\0\0\0\0"
    assert document_type(start + near + end, "") == (WORD, ".docx")


@QUICK
@given(st.sampled_from([b"", PDF, DOCX, XLSX, OPEN, OLE, MP3, PNG, b"PK\x03\x04", b"text"]),
       st.binary(max_size=200), texts)  # fmt: skip
def test_anything_has_a_type_or_none(head: bytes, rest: bytes, name: str) -> None:
    found = document_type(head + rest, name)
    if found is not None:
        assert found.mime.partition("/")[0] in ("application", "image", "text")
        assert found.extension.startswith(".")
        assert found.extension == found.extension.lower()
        # A name that was made for a type keeps it.
        made = file_name(name, found.extension, "file-1")
        assert document_type(head + rest, made) == found


@pytest.mark.parametrize(
    ("given_name", "extension", "name"),
    [
        ("report.pdf", ".pdf", "report.pdf"),
        ("REPORT.PDF", ".pdf", "REPORT.pdf"),
        ("report.txt", ".pdf", "report.txt.pdf"),
        ("report", ".pdf", "report.pdf"),
        ("/etc/passwd", ".txt", "passwd.txt"),
        ("..\\..\\boot.ini", ".ini", "boot.ini"),
        ("../..", ".txt", "file-1.txt"),
        ("a/", ".txt", "file-1.txt"),
        (".pdf", ".pdf", "pdf.pdf"),
        ("", ".md", "file-1.md"),
        ("  spaced .md ", ".md", "spaced.md"),
        ("line\r\nbreak\x00.md", ".md", "linebreak.md"),
        ("right\u202eto\u2066left.md", ".md", "righttoleft.md"),
        ("bad\ud800half.md", ".md", "badhalf.md"),
        ("世界 🦊.md", ".md", "世界 🦊.md"),
        ("x" * 10_000 + ".md", ".md", "x" * (LONGEST_NAME - 3) + ".md"),
        ("." * 10_000, ".md", "file-1.md"),
    ],
)
def test_names(given_name: str, extension: str, name: str) -> None:
    assert file_name(given_name, extension, "file-1") == name


@QUICK
@example("a" * 119 + " .md")
@given(texts | st.text("./\\ \x00\u202ea", max_size=300))
def test_any_name_becomes_a_plain_one(name: str) -> None:
    made = file_name(name, ".md", "file-1")
    assert made.endswith(".md")
    assert 4 <= len(made) <= LONGEST_NAME
    assert made.isprintable()
    assert not set("/\\") & set(made)
    assert not made.startswith(".")
    assert file_name(made, ".md", "file-1") == made
