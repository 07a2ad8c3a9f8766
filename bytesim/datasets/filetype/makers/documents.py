"""Makers of the filetype set: office documents, books and pages with texts, tables and pictures of found files."""

from __future__ import annotations

import io
import os
import re
from typing import Any

from bytesim.datasets.filetype.makers.data import table_of
from bytesim.datasets.filetype.makers.maker import Job, Maker


def paragraphs(job: Job) -> list[str]:
    """A found file as paragraphs of plain text without control characters, a few hundred at most."""
    text = job.read().decode("utf-8", "replace")
    if job.names[0].lower().endswith((".html", ".htm", ".xml")):
        text = re.sub(r"(?s)<(script|style).*?</\1>|<[^>]*>", " ", text)
    pieces = [" ".join(piece.split()) for piece in re.split(r"\n\s*\n", text)]
    clean = [re.sub(r"[\x00-\x1f\x7f]", " ", piece)[:3000] for piece in pieces if len(piece) > 20]
    start = job.rng.randint(0, max(0, len(clean) - 40))
    return clean[start : start + job.rng.choice((8, 30, 80, 300))] or ["Nothing."]


def markdown_of(job: Job) -> str:
    """Paragraphs as Markdown with headings, lists, emphasis and sometimes a table."""
    lines = ["% " + job.names[0].rsplit("/", 1)[-1], "", "# Beginning", ""]
    for piece in paragraphs(job):
        chance = job.rng.random()
        safe = re.sub(r"([\\`*_{}\[\]<>#$|~^@])", r"\\\1", piece)
        if chance < 0.12:
            lines += [f"{'#' * job.rng.randint(1, 3)} {safe[:50]}", ""]
        if chance > 0.85:
            lines += [f"- {part.strip()}" for part in safe.split(". ") if part.strip()] + [""]
        else:
            lines += [safe if chance > 0.1 else f"**{safe[:30].strip()}** {safe[30:]}", ""]
    if job.rng.random() < 0.4:
        columns = table_of(job)[:4]
        cell = re.compile(r"[^\w .,-]")
        lines += ["| " + " | ".join(name for name, _ in columns) + " |", "|" + "---|" * len(columns)]
        for row in list(zip(*(values for _, values in columns), strict=True))[:20]:
            lines.append("| " + " | ".join(cell.sub("", str(value))[:30] for value in row) + " |")
    return "\n".join(lines) + "\n"


def by_pandoc(job: Job) -> bytes:
    """A document written by pandoc; the settings name the format."""
    (job.folder / "in.md").write_text(markdown_of(job), encoding="utf-8")
    job.run("pandoc", "-s", "-f", "markdown", "in.md", "-o", f"out.{job.settings}", "--metadata", "title=Text")
    return (job.folder / f"out.{job.settings}").read_bytes()


def by_office(job: Job) -> bytes:
    """A text, page or table converted by LibreOffice; the settings name the format."""
    if job.settings in ("xlsx", "ods"):
        columns = table_of(job)
        rows = [[name for name, _ in columns], *map(list, zip(*(values for _, values in columns), strict=True))]
        import csv

        with (job.folder / "in.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        source = "in.csv"
    else:
        (job.folder / "in.md").write_text(markdown_of(job), encoding="utf-8")
        source = {"pptx": "in.odp"}.get(job.settings, "in.html")
        job.run(
            "pandoc",
            "-s",
            "-f",
            "markdown",
            "in.md",
            "-o",
            source if source != "in.odp" else "in.pptx",
            "--metadata",
            "title=Text",
        )
        source = "in.pptx" if source == "in.odp" else source
    kind = {"docx": "docx:MS Word 2007 XML", "xlsx": "xlsx:Calc MS Excel 2007 XML"}.get(job.settings, job.settings)
    if source == "in.html":
        kind = {"odt": "odt:writer8"}.get(job.settings, kind)
    writer = ["--infilter=HTML (StarWriter)"] if source == "in.html" else []
    profile = f"-env:UserInstallation=file://{office_profile()}"
    job.run("soffice", profile, "--headless", *writer, "--convert-to", kind, "--outdir", "out", source)
    return next((job.folder / "out").iterdir()).read_bytes()


def office_profile() -> str:
    """A LibreOffice profile for this process, because two instances cannot share a profile."""
    import tempfile

    return f"{tempfile.gettempdir()}/bytesim-office-{os.getpid()}"


def docx(job: Job) -> bytes:
    import docx as package
    from docx.shared import Inches

    document = package.Document()
    document.add_heading(job.names[0].rsplit("/", 1)[-1], 0)
    for piece in paragraphs(job):
        if job.rng.random() < 0.15:
            document.add_heading(piece[:40], job.rng.randint(1, 3))
        paragraph = document.add_paragraph(piece, style=job.rng.choice(("Normal", "Normal", "List Bullet", "Quote")))
        if job.rng.random() < 0.2:
            paragraph.add_run(" see above").bold = True
    if job.rng.random() < 0.4:
        columns = table_of(job)[:5]
        table = document.add_table(rows=0, cols=len(columns))
        for row in list(zip(*(values for _, values in columns), strict=True))[:30]:
            for cell, value in zip(table.add_row().cells, row, strict=True):
                cell.text = re.sub(r"[\x00-\x1f\x7f]", " ", str(value))[:60]
    if job.rng.random() < 0.3:
        document.add_picture(io.BytesIO(chart(job, "png")), width=Inches(4))
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pptx(job: Job) -> bytes:
    import pptx as package
    from pptx.util import Inches

    slides = package.Presentation()
    pieces = paragraphs(job)
    for number in range(0, min(len(pieces), job.rng.choice((4, 10, 30))), 3):
        slide = slides.slides.add_slide(slides.slide_layouts[job.rng.choice((1, 1, 3, 5))])
        slide.shapes.title.text = pieces[number][:50]
        for shape in list(slide.placeholders)[1:]:
            shape.text_frame.text = "\n".join(piece[:200] for piece in pieces[number + 1 : number + 3])
        if job.rng.random() < 0.15:
            slide.shapes.add_picture(io.BytesIO(chart(job, "png")), Inches(1), Inches(3), width=Inches(4))
    buffer = io.BytesIO()
    slides.save(buffer)
    return buffer.getvalue()


def xlsx(job: Job) -> bytes:
    columns = table_of(job)
    rows = list(zip(*(values for _, values in columns), strict=True))
    buffer = io.BytesIO()
    if job.settings == "openpyxl":
        import openpyxl

        book: Any = openpyxl.Workbook()
        sheet = book.active
        sheet.append([name for name, _ in columns])
        for row in rows:
            sheet.append(
                [re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", " ", cell) if isinstance(cell, str) else cell for cell in row]
            )
        book.save(buffer)
        return buffer.getvalue()
    import xlsxwriter

    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(job.rng.choice(("Sheet1", "Data", "Table")))
    bold = book.add_format({"bold": True, "bg_color": "#D0E0F0"})
    sheet.write_row(0, 0, [name for name, _ in columns], bold)
    for number, row in enumerate(rows, start=1):
        sheet.write_row(number, 0, row)
    if job.rng.random() < 0.3:
        shown = book.add_chart({"type": job.rng.choice(("line", "column", "pie"))})
        shown.add_series({"values": [sheet.get_name(), 1, 0, min(len(rows), 20), 0]})
        sheet.insert_chart("H3", shown)
    book.close()
    return buffer.getvalue()


def chart(job: Job, form: str) -> bytes:
    """A matplotlib plot of the numbers in a found file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = [values for _, values in table_of(job) if values and isinstance(values[0], int | float)]
    values = (columns or [list(range(10))])[0][:400]
    figure, axes = pyplot.subplots(figsize=(job.rng.uniform(3, 7), job.rng.uniform(2, 5)), dpi=job.rng.choice((60, 90)))
    way = job.rng.choice(("plot", "bar", "scatter", "hist"))
    if way == "hist":
        axes.hist(values, bins=20)
    else:
        getattr(axes, way)(range(len(values)), values)
    axes.set_title(re.sub(r"[$\\^_]", " ", job.names[0].rsplit("/", 1)[-1]))
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form)
    pyplot.close(figure)
    return buffer.getvalue()


def pdf_chart(job: Job) -> bytes:
    return chart(job, "pdf")


def ps_chart(job: Job) -> bytes:
    return chart(job, "ps")


def svg_chart(job: Job) -> bytes:
    return chart(job, "svg")


def pdf_pages(job: Job) -> bytes:
    from reportlab.lib.pagesizes import A4, letter
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    buffer, styles = io.BytesIO(), getSampleStyleSheet()
    escape = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;"})
    flow: list[Any] = []
    for piece in paragraphs(job):
        style = styles[job.rng.choice(("Normal", "Normal", "BodyText", "Heading2"))]
        flow += [Paragraph(piece[:800].translate(escape), style), Spacer(1, job.rng.randint(2, 12))]
    SimpleDocTemplate(buffer, pagesize=job.rng.choice((A4, letter))).build(flow)
    return buffer.getvalue()


def postscript(job: Job) -> bytes:
    (job.folder / "in.pdf").write_bytes(job.read())
    job.run("gs", "-q", "-dBATCH", "-dNOPAUSE", f"-sDEVICE={job.settings}", "-dLastPage=4", "-o", "out.ps", "in.pdf")
    return (job.folder / "out.ps").read_bytes()


def dvi(job: Job) -> bytes:
    """A text typeset by LaTeX, with different words, sizes and formulas each time."""
    escape = re.compile(r"[^\w .,;:!?()'/+=-]|[^\x00-\x7f]|_")
    body = "\n\n".join(escape.sub(" ", piece) for piece in paragraphs(job)[:80])
    formula = job.rng.choice((r"\[\int_0^1 x^2\,dx=\frac13\]", r"\[\sum_{k=1}^n k=\frac{n(n+1)}2\]", "", ""))
    size, kind = job.rng.choice(("10pt", "11pt", "12pt")), job.rng.choice(("article", "report", "book"))
    begin = f"\\documentclass[{size}]{{{kind}}}\n\\begin{{document}}\n\\section{{A}}\n"
    text = f"{begin}{body}\n{formula}\n\\end{{document}}\n"
    (job.folder / "in.tex").write_text(text, encoding="ascii", errors="replace")
    job.run("latex", "-interaction=batchmode", "-no-shell-escape", "in.tex")
    return (job.folder / "in.dvi").read_bytes()


def djvu(job: Job) -> bytes:
    from PIL import Image

    image = Image.open(io.BytesIO(job.read())).convert("RGB")
    image.thumbnail((1200, 1200))
    image.save(job.folder / "in.ppm")
    job.run("c44", "in.ppm", "out.djvu")
    return (job.folder / "out.djvu").read_bytes()


MAKERS = [
    Maker("docx", docx, ("python-docx",), "prose", ("python:docx",), 300, 1, 1500),
    Maker("docx", by_pandoc, ("docx",), "prose", ("pandoc",), 100, 1, 1500),
    Maker("docx", by_office, ("docx",), "prose", ("soffice", "pandoc"), 40, 1, 1500, True),
    Maker("odt", by_pandoc, ("odt",), "prose", ("pandoc",), 240, 1, 1500),
    Maker("odt", by_office, ("odt",), "prose", ("soffice", "pandoc"), 40, 1, 1500, True),
    Maker("epub", by_pandoc, ("epub",), "prose", ("pandoc",), 260, 1, 1500),
    Maker("rtf", by_pandoc, ("rtf",), "prose", ("pandoc",), 200, 1, 1500),
    Maker("rtf", by_office, ("rtf",), "prose", ("soffice", "pandoc"), 40, 1, 1500, True),
    Maker("pptx", pptx, ("python-pptx",), "prose", ("python:pptx",), 300, 1, 1500),
    Maker("pptx", by_pandoc, ("pptx",), "prose", ("pandoc",), 80, 1, 1500),
    Maker("pptx", by_office, ("pptx",), "prose", ("soffice", "pandoc"), 40, 1, 1500, True),
    Maker("xlsx", xlsx, ("openpyxl", "xlsxwriter"), "table", ("python:openpyxl", "python:xlsxwriter"), 500, 1, 1000),
    Maker("xlsx", by_office, ("xlsx",), "table", ("soffice",), 40, 1, 1000, True),
    Maker("pdf", pdf_chart, ("",), "table", (), 60, 1, 1000),
    Maker("pdf", pdf_pages, ("",), "prose", ("python:reportlab",), 80, 1, 1500),
    Maker("svg", svg_chart, ("",), "table", (), 40, 1, 1000),
    Maker("postscript", ps_chart, ("",), "table", (), 40, 1, 1000),
    Maker("postscript", postscript, ("ps2write", "eps2write"), "pdf", ("gs",), 120, 1, 1000),
    Maker("dvi", dvi, ("",), "prose", ("latex",), 300, 1, 1000),
    Maker("djvu", djvu, ("",), "image", ("c44",), 60, 1, 3000),
]
