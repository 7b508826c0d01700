"""A listener in the test's own process, and the type of the ``run_on`` fixture."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from bench import dialect, mock
from bench.frames import Route
from bench.loops import listen, port_of
from bench.servers import Server

RunOn = Callable[[Coroutine[Any, Any, None]], None]


@asynccontextmanager
async def serving(
    factory: Callable[[], asyncio.Protocol] | None = None,
    route: Route = Route.COOKIE,
    spoken: dialect.Dialect | None = None,
) -> AsyncIterator[Server]:
    """The mock unless another protocol is given, asked as its route wants it."""
    listener = await listen(factory or mock.protocol_factory())
    try:
        yield Server("direct", route, spoken or dialect.of_route(route), port_of(listener))
    finally:
        listener.close()
        # Lets the transports of connections that were just closed finish.
        await asyncio.sleep(0.01)
