"""The options of a robustness protocol, of the standard library alone."""

import argparse
from typing import Any


def add_protocol(parser: argparse.ArgumentParser, group: Any) -> None:
    """Add the options of a protocol.

    Args:
        parser: The parser.
        group: Options of the parser that exclude ``--protocol``.
    """
    group.add_argument(
        '--protocol',
        choices=['emm', 'rmm', 'nm'],
        help='a robustness protocol: missing, partly missing or noisy modalities, see '
        'docs/robustness.md',
    )
    parser.add_argument(
        '--missing',
        choices=['absent', 'zero'],
        help='of --protocol emm: the network knows what is missing (the default), or '
        'it gets zeros, as in published figures',
    )
    parser.add_argument(
        '--no-gaussian',
        nargs='+',
        default=[],
        metavar='NAME',
        help='of --protocol nm: modalities without Gaussian noise, e.g. event',
    )


def check_protocol(
    parser: argparse.ArgumentParser, args: argparse.Namespace, *excluded: str
) -> None:
    """End with an error where options do not belong to the protocol.

    Args:
        parser: The parser.
        args: What it has read.
        *excluded: Options that a protocol does without.
    """
    for option, protocol in (('--missing', 'emm'), ('--no-gaussian', 'nm')):
        if _value(args, option) and args.protocol != protocol:
            parser.error(
                f'`{option}` must come with --protocol {protocol}, got '
                f'{args.protocol}: leave it out'
            )
    given = [option for option in excluded if _value(args, option)]
    if args.protocol and given:
        parser.error(
            f'`--protocol` must come without {", ".join(excluded)}, got {given[0]}: '
            'save predictions by a test of their own'
        )


def protocol_loop(args: argparse.Namespace) -> dict[str, Any]:
    """The config of the test loop that the options describe."""
    return dict(
        type='ProtocolTestLoop',
        protocol=args.protocol,
        missing=args.missing,
        no_gaussian=args.no_gaussian,
    )


def _value(args: argparse.Namespace, option: str) -> Any:
    return getattr(args, option.strip('-').replace('-', '_'))
