# As for segmentation, but for the metrics. FID and KID, for targets of three channels
# that are pictures, are those of the test; see docs/translation_metrics.md for the
# weights they need.
_base_ = '../../_base_/default_runtime.py'
tta_model = None
val_evaluator = dict(_delete_=True, type='TranslationMetric')
test_evaluator = [
    dict(type='TranslationMetric'),
    dict(
        type='GenerativeMetric',
        weights='{{$INCEPTION_WEIGHTS:data/weights-inception-2015-12-05-6726825d.pth}}',
    ),
]
