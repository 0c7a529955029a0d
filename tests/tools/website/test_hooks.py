"""The site is built without a warning: pages, links, anchors, docstrings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    """Every page is in the navigation of mkdocs.yml, and every link leads somewhere."""
    pytest.importorskip('mkdocs')
    result = subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir', tmp_path],
        cwd=ROOT,
        env={**os.environ, 'NO_MKDOCS_2_WARNING': '1'},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    home = (tmp_path / 'about' / 'index.html').read_text()
    assert 'docs/images' not in home
    reference = (tmp_path / 'api' / 'metrics' / 'index.html').read_text()
    assert 'StreamIoUMetric' in reference
    assert ':class:<code' not in reference  # the source, which is shown, has roles
