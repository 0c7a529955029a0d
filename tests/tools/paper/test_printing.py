"""Tables of text, with the paper's figures and the measured ones."""

from paper.printing import check_claims, markdown, tabulate
from paper.rows import TABLES
from paper.runs import Run


def run(miou, rgb=1.0, depth=1.0):
    metrics = {'mIoU': miou, 'rgb/mIoU': rgb, 'depth/mIoU': depth}
    return Run(metrics, 0.25, 1_234_567, 0)


def test_a_table_has_paper_and_measured_side_by_side_with_the_spread():
    runs = {'exchange_half': [run(50.0, 40.0), run(52.0, 41.0)]}
    lines = tabulate(TABLES['1'], runs)
    row = next(
        line for line in lines if line[:4] == ['shared', 'unshared', 'own part', 'yes']
    )
    assert row[4:6] == ['49.7', '40.5 ± 0.7']
    assert row[8:10] == ['51.1', '51.0 ± 1.4']
    assert row[11] == '1.23'
    assert row[-2:] == ['0.250 ± 0.000', '2']
    text = markdown(lines).split('\n')
    assert len(text) == 8
    assert len({len(line) for line in text}) == 1


def test_a_figure_that_some_runs_lack_says_of_how_many_it_is():
    other = run(52.0)
    del other.metrics['rgb/mIoU']
    lines = tabulate(TABLES['1'], {'exchange_half': [run(50.0, 40.0), other]})
    row = next(line for line in lines if '49.7' in line)
    assert row[5] == '40.0 (1 of 2 runs)'
    assert row[9] == '51.0 ± 1.4'


def test_claims_of_the_paper_are_told_true_or_not():
    runs = {'exchange_half': [run(50.0)], 'l1_half': [run(45.0)]}
    runs['exchange_all'] = [run(60.0)]
    runs['no_exchange'] = [run(48.0), run(51.0)]
    runs['shared_norms'] = [run(49.5)]
    lines = check_claims(TABLES['1'], runs)
    assert lines == [
        'exchange > no exchange: yes: 50.0 against 45.0 (ensemble)',
        'exchange > neither penalty nor exchange: yes, but seeds overlap: '
        '50.0 against 49.5 ± 2.1 (ensemble)',
        'shared conv + private BN > shared BN: no, but seeds overlap: '
        '49.5 ± 2.1 against 49.5 (ensemble)',
        'own part >= all channels: no: 50.0 against 60.0 (ensemble)',
    ]


def test_equal_means_hold_only_where_the_claim_allows_them():
    runs = {'exchange_half': [run(50.0)], 'exchange_all': [run(50.0)]}
    runs['l1_half'] = [run(49.0), run(51.0)]
    first, second = check_claims(TABLES['1'], runs)
    assert first.startswith('exchange > no exchange: no, but seeds overlap: 50.0 ')
    assert second.startswith('own part >= all channels: yes, but seeds overlap: 50.0 ')
