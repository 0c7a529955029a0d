"""What stands beside the pictures."""

import re

import numpy as np
from exploring import words


def test_names_are_no_html():
    shown = words.legend(np.array([[1, 1, 0]]), ['<b>', 'a & b'], [[0] * 3, [255] * 3])
    assert '<b>' not in shown
    keys = re.findall(r'#(\w+)"></i>(.*?)</span>', shown)
    assert keys == [('ffffff', 'a &amp; b 66.7 %'), ('000000', '&lt;b&gt; 33.3 %')]
    assert '&lt;img&gt; must' in words.error('<img> must')


def test_one_stream_alone_has_no_weights():
    assert words.alpha_bar(dict(fused=1.0)) == ''
    bar = words.alpha_bar(dict(rgb=0.75, depth=0.25))
    assert re.findall(r'width:([\d.]+)%', bar) == ['75.0', '25.0']
    assert 'depth' not in words.alpha_bar(dict(rgb=1.0, depth=0.0))


def test_every_layer_has_a_bar_of_each_modality():
    shares = {'layer1': np.array([0.5, 0.0]), 'layer2': np.array([1.0, 0.0004])}
    bars = words.share_bars(shares, ['rgb', 'depth'])
    assert re.findall(r'height:([\d.]+)%', bars) == ['50.0', '0.0', '100.0', '0.0']
    assert 'layer2: rgb 100.0 %, depth &lt; 0.1 %' in bars
    assert 'rgb 75.0 % on average' in bars
    assert words.share_bars({}, ['rgb', 'depth']) == ''
