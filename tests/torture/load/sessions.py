"""Visitors without a browser: sessions over Streamlit's websocket that open pages and use their controls."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

ENDED = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
)
MESSAGE_BYTES = 100 * 10**6


class Move(NamedTuple):
    """A control and what it is set to.

    Attributes:
        key: The widget's key.
        value: True or False for a toggle, a number for a slider, an option's text for a slider of options.
    """

    key: str
    value: float | bool | str


class Visit(NamedTuple):
    """What a visitor does in one session: opens an address, then moves its controls one after the other.

    Attributes:
        page: The page's part of the address; empty for Explore.
        query: The query of the address.
        shows: Text that the page has if it understood the address; empty for a page without text.
        moves: The controls.
    """

    page: str
    query: str
    shows: str
    moves: Sequence[Move] = ()

    @property
    def title(self) -> str:
        """The page's title."""
        return self.page.replace("-", " ").capitalize() or "Explore"


class Drawn(NamedTuple):
    """A page, or a part of one, that was drawn.

    Attributes:
        page: The page's title.
        control: Key of the control that was moved; empty where an address was opened.
        seconds: Time from the request to the end of the script.
    """

    page: str
    control: str
    seconds: float


@dataclass
class Record:
    """What visitors have seen.

    Attributes:
        drawn: Pages and parts, in order of time.
        errors: Exceptions and error messages, each after the page's title.
    """

    drawn: list[Drawn] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Session:
    """One session: it remembers the identifiers of the widgets that it was sent, as a browser does."""

    def __init__(self, socket: ClientConnection, visit: Visit, record: Record) -> None:
        self.socket = socket
        self.visit = visit
        self.record = record
        self.widgets: dict[str, tuple[str, str]] = {}  # key → identifier, fragment
        self.texts: list[str] = []

    async def open(self) -> None:
        """Open the address."""
        await self.run("")
        if self.visit.shows and not any(self.visit.shows in text for text in self.texts):
            self.record.errors.append(f"{self.visit.title}: {self.visit.query} does not show {self.visit.shows!r}")

    async def move(self, move: Move) -> None:
        """Set a control, and wait until its fragment, or the page, is drawn anew."""
        identifier, fragment = self.widgets[move.key]
        state = WidgetState(id=identifier)
        if isinstance(move.value, bool):
            state.bool_value = move.value
        elif isinstance(move.value, str):
            state.string_array_value.data.append(move.value)
        else:
            state.double_array_value.data.append(move.value)
        await self.run(move.key, fragment=fragment, state=state)

    async def run(self, control: str, *, fragment: str = "", state: WidgetState | None = None) -> None:
        """Ask for a run of the script, and read its messages to the end."""
        message = BackMsg()
        request = message.rerun_script
        request.page_name, request.query_string, request.fragment_id = self.visit.page, self.visit.query, fragment
        request.widget_states.widgets.extend([state] if state else [])
        started = time.perf_counter()
        await self.socket.send(message.SerializeToString())
        async for received in self.socket:
            answer = ForwardMsg.FromString(received if isinstance(received, bytes) else received.encode())
            kind = answer.WhichOneof("type")
            if kind == "delta":
                self.see(answer.delta)
            elif kind == "script_finished" and answer.script_finished in ENDED:
                break
        self.record.drawn.append(Drawn(self.visit.title, control, time.perf_counter() - started))

    def see(self, delta: Delta) -> None:
        """Note an error or a widget among what is drawn."""
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.record.errors.append(f"{self.visit.title}: {element.exception.type}: {element.exception.message}")
        elif kind == "alert" and element.alert.format == Alert.ERROR:
            self.record.errors.append(f"{self.visit.title}: {element.alert.body}")
        elif kind == "markdown":
            self.texts.append(element.markdown.body)
        elif kind is not None and hasattr(getattr(element, kind), "id"):
            identifier = getattr(element, kind).id
            self.widgets[identifier.rpartition("-")[2]] = (identifier, delta.fragment_id)


async def pay(address: str, visit: Visit, record: Record, *, pause: float) -> None:
    """Pay one visit, with a pause after each step.

    Args:
        address: The server's address, http://host:port.
        visit: What is done.
        record: What is seen.
        pause: The pause in seconds.
    """
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    async with connect(stream, subprotocols=["streamlit"], max_size=MESSAGE_BYTES, open_timeout=60) as socket:  # type: ignore[list-item]
        session = Session(socket, visit, record)
        await session.open()
        await asyncio.sleep(pause)
        for move in visit.moves:
            await session.move(move)
            await asyncio.sleep(pause)


def visit_together(  # noqa: PLR0913
    address: str, visits: Sequence[Visit], record: Record, *, visitors: int, seconds: float, pause: float
) -> None:
    """Let several visitors use the app at once, each of whom pays one visit after another, in a random order.

    Args:
        address: The server's address, http://host:port.
        visits: The visits to choose from.
        record: What the visitors see.
        visitors: How many sessions are open at any time.
        seconds: How long new visits begin.
        pause: Time between two steps of a visitor in seconds.
    """
    until = time.monotonic() + seconds

    async def come_and_go(draw: random.Random) -> None:
        await asyncio.sleep(draw.uniform(0, pause))
        while time.monotonic() < until:
            await pay(address, draw.choice(visits), record, pause=pause)

    async def all_visitors() -> None:
        await asyncio.gather(*(come_and_go(random.Random(seed)) for seed in range(visitors)))

    with ThreadPoolExecutor(1) as own:  # the tests with a browser leave a loop in this process's main thread
        own.submit(asyncio.run, all_visitors()).result()
