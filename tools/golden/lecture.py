"""Runs the Python of the lecture's pages, and fails where a page says something else than PyTorch.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/lecture.py [word in the name of a page ...]

The Python blocks of a page are one session, from top to bottom, in a folder where the data package's sets lie as CSV
files. A comment behind a statement, and the comment lines right below it, are what the statement prints, or its value if
it prints nothing; the value of an assignment is that of its name. Comments after an empty line are prose.
"""
import ast
import contextlib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

# The pages need them; run.mjs reads here what has to be installed.
import numpy  # noqa: F401
import sklearn  # noqa: F401
import torch  # noqa: F401
import torchvision  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / 'docs' / 'lecture'
SETS = ROOT / 'packages' / 'data' / 'src' / 'datasets'


def blocks(page):
    """The Python blocks of a page, with the lines that they begin at."""
    text = page.read_text()
    for found in re.finditer(r'^```python\n(.*?)^```$', text, re.M | re.S):
        yield text[: found.start(1)].count('\n') + 1, found.group(1)


def statements(code):
    """The statements of a block, each with the comment behind it and below it."""
    rows = code.split('\n')
    for node in ast.parse(code).body:
        # Columns count bytes.
        rest = rows[node.end_lineno - 1].encode()[node.end_col_offset :].decode()
        comment = [rest.strip()] if rest.strip().startswith('#') else []
        for row in rows[node.end_lineno :]:
            if not row.strip().startswith('#'):
                break
            comment.append(row.strip())
        yield node, '\n'.join(re.sub(r'^# ?', '', row) for row in comment)


def outcome(node, session):
    """What the statement prints or, if nothing, what its value prints."""
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        if isinstance(node, ast.Expr):
            value = eval(compile(ast.Expression(node.value), 'page', 'eval'), session)
        else:
            exec(compile(ast.Module([node], []), 'page', 'exec'), session)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                value = session[node.targets[0].id]
    text = printed.getvalue() or ('' if value is None else repr(value))
    return '\n'.join(row.rstrip() for row in text.rstrip().split('\n'))


def check(page):
    """How many results the page states; prints those that are wrong, and returns their number too."""
    stated = wrong = 0
    session = {}
    for line, code in blocks(page):
        for node, said in statements(code):
            is_ = outcome(node, session)
            if said == '':
                continue
            stated += 1
            if said != is_:
                wrong += 1
                print(f'{page.relative_to(ROOT)}:{line + node.lineno - 1}\n  says\n{said}\n  but it is\n{is_}')
    return stated, wrong


def main(words):
    pages = [page for page in sorted(PAGES.glob('[0-9]*.md')) if not words or any(word in page.name for word in words)]
    with tempfile.TemporaryDirectory() as folder:
        for source in SETS.glob('*.csv.ts'):
            text = re.search(r'`([^`]*)`', source.read_text()).group(1)
            (Path(folder) / source.name[: -len('.ts')]).write_text(text)
        os.chdir(folder)
        counts = [check(page) for page in pages]
        os.chdir(ROOT)
    stated, wrong = (sum(column) for column in zip(*counts))
    print(f'{len(pages)} pages state {stated} results, {wrong} of them wrong')
    return 1 if wrong or stated == 0 else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
