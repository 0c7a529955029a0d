"""The idea of the paper, for any network: streams, private norms, channel exchange.

Nothing here knows of segmentation or of translation. In reading order: ``fold``
(streams on the batch axis), ``exchange`` (Eq. 6 as a pure function), ``exchanges`` and
``ablations`` (the exchange as a layer, and what the paper compares it with), ``norm``,
``layer_norm``, ``instance_norm`` and ``private`` (layers with a copy for each
modality), ``convert``, ``places`` and ``stream_state`` (any network becomes multimodal,
where it exchanges, and the unimodal network of a stream), ``presence`` and ``context``
(a modality may be missing, and how layers know of it). For transformers: ``tokens``,
``token_exchange`` and ``token_loss`` (tokens are exchanged), ``attention`` and
``attention_places`` (where in a block).
"""
