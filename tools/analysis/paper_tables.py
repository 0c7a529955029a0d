"""Train the rows of one of the paper's tables, and print them beside the paper's.

python tools/analysis/paper_tables.py --table 1 --train --data synthetic --seeds 0 1 2 --jobs 2

The options are described in tools/paper/options.py and tables.py.
"""  # noqa: E501

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from paper.options import parse_args

if __name__ == '__main__':
    parse_args()  # --help and wrong options end here, before the slow imports

import mmseg_cen  # noqa: F401  isort: skip  (repairs what mmseg's import needs)
from paper.tables import main

if __name__ == '__main__':
    main()
