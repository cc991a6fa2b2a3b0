"""How long connections live: idle timeouts with and without keepalive, reload and restart of the proxy."""
import asyncio
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

import http2, proxies
from forwarding_checks import connect
from harness import equal

IDLE = 2                                  # seconds after which the proxy cuts an idle connection
KEEPALIVE = '1'                           # seconds between two pings of the server


class Pinged(ClientConnection):
    """A connection that counts the pings of the server."""
    pings = 0

    def process_event(self, event):
        super().process_event(event)
        self.pings += getattr(event, 'opcode', None) == Opcode.PING


class Http1:
    """A WebSocket over HTTP/1.1."""

    @staticmethod
    @asynccontextmanager
    async def open(proxy):
        async with connect(proxy, create_connection=Pinged) as socket:
            self = Http1()
            self.socket = socket
            yield self

    async def echo(self, message):
        await self.socket.send(message)
        equal(await self.socket.recv(), message)

    async def ping(self):
        """Waits for the next ping of the server."""
        before = self.socket.pings
        await proxies.until(lambda: self.socket.pings > before)

    async def is_cut(self):
        """Waits for the end, which comes without a Close."""
        try:
            await self.socket.recv()
        except ConnectionClosed as closed:
            equal(closed.rcvd, None)
        else:
            raise AssertionError('a message came')

    async def notices_reload(self):
        """Over HTTP/1.1 nothing tells the client."""

    async def close(self):
        await self.socket.close()
        equal(self.socket.protocol.close_rcvd.code, 1000)


class Http2:
    """A WebSocket over HTTP/2."""

    @staticmethod
    @asynccontextmanager
    async def open(proxy):
        async with http2.connect(proxy) as connection:
            self = Http2()
            self.stream = await connection.request(f'localhost:{proxy.tls}')
            equal(self.stream.status, '200')
            yield self

    async def echo(self, message):
        await self.stream.send(message)
        equal(await self.stream.recv(), message)

    async def ping(self):
        await self.stream.ping()

    async def is_cut(self):
        try:
            await self.stream.recv()
        except http2.Ended:
            equal(self.stream.websocket.close_rcvd, None)
        else:
            raise AssertionError('a message came')

    async def notices_reload(self):
        """The proxy sends a GOAWAY: this connection takes no new streams, and the old ones go on."""
        await proxies.until(lambda: self.stream.connection.goes_away)

    async def close(self):
        """Ends the stream, and with it the connection of HTTP/2, which has no other one."""
        equal((await self.stream.close()).code, 1000)
        self.stream.connection.writer.close()


async def server_has(server, count):
    await proxies.until(lambda: server.connections() == count)


async def server_notices(server, reports):
    """The server has reported that a peer vanished, and holds nothing for it any more."""
    await proxies.until(lambda: len(server.program.stderr.splitlines()) > reports)
    await server_has(server, 0)


def reports(server):
    return len(server.program.stderr.splitlines())


async def keepalive_survives(kind, http, files, pinging, silent):
    """Two idle connections, and the one with keepalive began earlier. The proxy cuts only the other one."""
    before = reports(silent)
    async with (kind(files, pinging.port, **kind.idle_after(IDLE)) as lasting,
                kind(files, silent.port, **kind.idle_after(IDLE)) as cutting,
                http.open(lasting) as kept):
        await kept.ping()
        async with http.open(cutting) as cut:
            await cut.echo('before')
            await cut.is_cut()
            await server_notices(silent, before)
        await kept.ping()
        await kept.echo('still there')
        await kept.close()
        await server_has(pinging, 0)


async def one_direction_is_enough(kind, files, server):
    """A client sends pongs, which nobody answers. The connection that is idle in both directions is cut."""
    async with kind(files, server.port, **kind.idle_after(IDLE)) as proxy, connect(proxy) as talking:
        async def talk():
            while True:
                await talking.pong()
                await asyncio.sleep(IDLE / 4)
        task = asyncio.create_task(talk())
        try:
            async with Http1.open(proxy) as idle:
                await idle.is_cut()
            await talking.send('still there')
            equal(await talking.recv(), 'still there')
        finally:
            task.cancel()


async def reload_keeps(kind, http, files, server):
    """A reload leaves connections to the old workers, which end after the last of them."""
    async with kind(files, server.port) as proxy, http.open(proxy) as old:
        await old.echo('before')
        workers = await proxy.reload()
        await old.echo('after')
        await old.notices_reload()
        async with http.open(proxy) as new:
            await new.echo('new')
            await old.echo('at the same time')
            equal(bool(workers & proxy.workers()), True)
            await old.close()
            await proxies.until(lambda: not workers & proxy.workers())
            await new.echo('alone')
            await new.close()
        await server_has(server, 0)


async def reload_ends(kind, http, files, server):
    """Old workers that have a deadline cut the connections that still exist then. The client reconnects."""
    before = reports(server)
    async with kind(files, server.port, **kind.workers_end_after(1)) as proxy:
        async with http.open(proxy) as old:
            await old.echo('before')
            await proxy.reload()
            await old.is_cut()
            await server_notices(server, before)
        async with http.open(proxy) as new:
            await new.echo('after')
            await new.close()
        await server_has(server, 0)


async def restart(kind, http, files, server):
    """A restart cuts all connections. The server notices, and the client reconnects."""
    before = reports(server)
    async with kind(files, server.port) as proxy:
        async with http.open(proxy) as first, http.open(proxy) as second:
            for socket in (first, second):
                await socket.echo('before')
            await proxy.stop()
            for socket in (first, second):
                await socket.is_cut()
            await server_notices(server, before + 1)
        await proxy.start()
        async with http.open(proxy) as socket:
            await socket.echo('after')
            await socket.close()
        await server_has(server, 0)


async def reconnects_by_itself(kind, files, server):
    """The loop of `websockets` that reconnects, over a restart of the proxy."""
    restarted = 0
    async with kind(files, server.port) as proxy:
        async for socket in connect(proxy, reconnect_delays=lambda: iter(lambda: 0.05, None)):
            try:
                await socket.send('hello')
                equal(await socket.recv(), 'hello')
                if restarted:
                    break
                restarted = asyncio.create_task(proxy.restart())
                await socket.recv()
            except ConnectionClosed:
                continue
        await restarted
        await socket.close()
        await server_has(server, 0)


async def run(checks, kind, http, files, tokio_echo_server):
    title = f'{kind.name}, {"HTTP/1.1" if http is Http1 else "HTTP/2"}: '
    pinging = await proxies.Server.start(tokio_echo_server, '--keepalive', KEEPALIVE)
    silent = await proxies.Server.start(tokio_echo_server, '--keepalive', '0')
    try:
        for name, check, *arguments in (
            ('keepalive survives the idle timeout', keepalive_survives, pinging, silent),
            ('a reload keeps connections', reload_keeps, silent),
            ('a reload with a deadline ends connections', reload_ends, silent),
            ('a restart ends connections', restart, silent),
        ):
            await checks.run(title + name, check, kind, http, files, *arguments)
        if http is Http1:
            await checks.run(title + 'traffic in one direction keeps a connection', one_direction_is_enough,
                             kind, files, silent)
            await checks.run(title + 'a client that reconnects', reconnects_by_itself, kind, files, silent)
    finally:
        await pinging.stop()
        await silent.stop()
