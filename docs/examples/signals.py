"""Logs the events that strategies, workers or streams of one's own put on the queue."""

from loguru import logger

from flumine_core import hookimpl


@hookimpl
def flumine_process_custom_event(event):
    """Before the event's own callback is called."""
    logger.info("custom event: {}", event.event)
