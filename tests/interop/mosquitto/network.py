"""What lies between the device and the broker: a link that can break, and a gateway that checks the token."""
import asyncio, base64, hashlib
from contextlib import asynccontextmanager, suppress


async def pump(reader, writer, before=None):
    """Passes bytes on until one side ends. `before` may look at them, and wait."""
    with suppress(ConnectionError):
        while data := await reader.read(1 << 14):
            if before:
                await before(data)
            writer.write(data)
            await writer.drain()


async def pump_both(client, server, before_client=None, before_server=None):
    """Ends both connections if one of them ends."""
    tasks = [asyncio.create_task(pump(client[0], server[1], before_server)),
             asyncio.create_task(pump(server[0], client[1], before_client))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _, writer in (client, server):
            with suppress(ConnectionError):
                writer.close()


class Link:
    """A TCP proxy."""

    def __init__(self, target):
        self.target = target
        self.writers = set()
        self.connections = 0
        self.is_up = True
        self.passes = asyncio.Event()
        self.passes.set()
        self.cut_after = None

    async def serve(self, reader, writer):
        self.connections += 1
        if not self.is_up:
            writer.transport.abort()
            return
        server = await asyncio.open_connection('127.0.0.1', self.target)
        self.writers |= {writer, server[1]}
        try:
            await pump_both((reader, writer), server, self.to_device, self.to_broker)
        finally:
            self.writers -= {writer, server[1]}

    async def to_broker(self, data):
        await self.passes.wait()

    async def to_device(self, data):
        await self.passes.wait()
        if self.cut_after is not None:
            self.cut_after -= len(data)
            if self.cut_after < 0:
                self.cut_after = None
                self.cut()
                raise ConnectionError('cut')

    def cut(self):
        """Resets all connections."""
        for writer in self.writers:
            writer.transport.abort()

    def take_down(self):
        """Resets all connections, and all further ones, until `is_up` is true again."""
        self.is_up = False
        self.cut()

    @classmethod
    @asynccontextmanager
    async def to(cls, target):
        self = cls(target)
        server = await asyncio.start_server(self.serve, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.passes.set()
            self.cut()


class Gateway:
    """Ends TLS, and passes a connection on to the broker if its request has the right token. Without a broker
    it accepts the connection itself, with no subprotocol."""

    def __init__(self, target, token):
        self.target, self.authorization = target, f'Bearer {token}'
        self.requests = []

    async def serve(self, reader, writer):
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b'\r\n\r\n')
            lines = head.decode().split('\r\n')
            fields = (line.split(':', 1) for line in lines[1:-2])
            headers = {name.lower(): value.strip() for name, value in fields}
            self.requests.append((lines[0], headers))
            if headers.get('authorization') != self.authorization:
                writer.write(b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n'
                             b'Content-Length: 0\r\n\r\n')
                await writer.drain()
                writer.close()
                return
            if self.target is None:
                key = headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
                accept = base64.b64encode(hashlib.sha1(key.encode()).digest())
                writer.write(b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
                             b'Connection: Upgrade\r\nSec-WebSocket-Accept: ' + accept + b'\r\n\r\n')
                await reader.read()
                writer.close()
                return
            server = await asyncio.open_connection('127.0.0.1', self.target)
            server[1].write(head)
            await pump_both((reader, writer), server)

    @classmethod
    @asynccontextmanager
    async def to(cls, target, tls, token='secret'):
        self = cls(target, token)
        server = await asyncio.start_server(self.serve, '127.0.0.1', 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
