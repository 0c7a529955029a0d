# As for segmentation, except for the metrics. FID and KID, for targets that are
# pictures of three channels, are computed by the test only;
# docs/translation_metrics.md names the weights they need.
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
