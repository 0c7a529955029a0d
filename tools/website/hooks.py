"""What mkdocs does beside its own: pages of the repository's root, and the reference.

The text of README.md, CONTRIBUTING.md and CHANGELOG.md becomes pages, and links between
them and the folder of pages are turned. The reference has a page for each folder of the
package, and one has all messages of errors. Roles of docstrings, which mkdocs does not
know, become code.
"""

import re
from pathlib import Path
from typing import Any

from messages import page_of_messages
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
#: Files of the root, and the pages they become.
PAGES = {
    'README.md': 'about.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
}
FOLDERS = sorted(path.parent.name for path in ROOT.glob('mmseg_cen/*/__init__.py'))
ROLE = re.compile(r':(?:attr|class|data|exc|func|meth|mod|obj):(<code[^>]*>)~?')
MATH = re.compile(r':math:(<code[^>]*>)')


def on_config(config: Any) -> None:
    """List the pages of the reference."""
    for entry in config.nav:
        if 'Reference' in entry:
            entry['Reference'] = [f'api/{name}.md' for name in FOLDERS]


def on_files(files: Files, config: Any) -> Files:
    """Add the pages of the root, of each folder of the package, and of the messages."""
    for name, page in PAGES.items():
        text = (ROOT / name).read_text(encoding='utf-8')
        files.append(File.generated(config, page, content=_turned(text)))
    for name in FOLDERS:
        text = f'# mmseg_cen.{name}\n\n::: mmseg_cen.{name}\n'
        files.append(File.generated(config, f'api/{name}.md', content=text))
    files.append(File.generated(config, 'messages.md', content=page_of_messages()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Turn links from pages to files of the root."""
    return _turned(markdown)


def on_page_content(html: str, **_: Any) -> str:
    """Show roles of docstrings as what they mark."""
    return MATH.sub(r'\1', ROLE.sub(r'\1', html))


def _turned(text: str) -> str:
    """The text with links that lead to pages of the site."""
    for name, page in PAGES.items():
        for link in (f'](../{name}', f']({name}'):
            text = text.replace(link, f']({page}')
    return text.replace('](docs/', '](')
