"""How the page is served: without calls to the internet."""

from typing import Any

import gradio as gr

from . import words


def theme() -> Any:
    """Gradio's theme with fonts of the system: its own come from the internet."""
    sans, mono = ['system-ui', 'sans-serif'], ['ui-monospace', 'monospace']
    return gr.themes.Default(font=sans, font_mono=mono)


def launch(page: gr.Blocks, host: str, port: int | None, share: bool) -> str:
    """Start the page beside this thread.

    Returns:
        Its address.

    Raises:
        OSError: If there is no free port.
    """
    _, address, public = page.launch(
        server_name=host,
        server_port=port,
        share=share,
        prevent_thread_lock=True,
        quiet=True,
        show_error=True,
        footer_links=[],
        ssr_mode=False,
        pwa=False,
        enable_monitoring=False,
        theme=theme(),
        css=words.CSS,
    )
    return public or address
