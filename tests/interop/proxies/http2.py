"""WebSockets on streams of HTTP/2 (RFC 8441): the package `h2`, with the frames of the package `websockets`.

`h2` knows nothing of WebSocket, and `websockets` knows nothing of HTTP/2."""
import asyncio
from contextlib import asynccontextmanager
from socket import AF_INET

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated, DataReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded, StreamReset)
from h2.settings import SettingCodes
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode
from websockets.headers import parse_extension
from websockets.protocol import Protocol, Side


class Ended(Exception):
    """The stream or the connection ended."""


class Http2(H2Connection):
    """After a GOAWAY the streams that exist go on (RFC 9113 section 6.8). The class of `h2` refuses that."""

    def _receive_goaway_frame(self, frame):
        return [], [ConnectionTerminated()]


class Connection:
    """A connection of HTTP/2. `settings` are those of the server, once they have arrived."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.h2 = Http2(H2Configuration(client_side=True, header_encoding='utf-8'))
        self.streams = {}
        self.settings = None
        self.goes_away = False
        self.changed = asyncio.Condition()

    async def run(self):
        try:
            while data := await self.reader.read(1 << 16):
                for event in self.h2.receive_data(data):
                    self.handle(event)
                await self.write()
                await self.tell()
        except OSError:
            pass                                 # the proxy ended the connection
        finally:
            for stream in self.streams.values():
                stream.ended = stream.ended or 'the connection ended'
            self.settings = self.settings or {}
            await self.tell()

    def handle(self, event):
        if isinstance(event, RemoteSettingsChanged):
            changed = {code: setting.new_value for code, setting in event.changed_settings.items()}
            self.settings = {**(self.settings or {}), **changed}
        elif isinstance(event, ConnectionTerminated):
            self.goes_away = True
        elif (stream := self.streams.get(getattr(event, 'stream_id', None))) is not None:
            stream.handle(event)

    async def write(self):
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    async def tell(self):
        async with self.changed:
            self.changed.notify_all()

    async def until(self, condition):
        async with self.changed:
            await self.changed.wait_for(condition)

    async def has_extended_connect(self):
        await self.until(lambda: self.settings is not None)
        return self.settings.get(SettingCodes.ENABLE_CONNECT_PROTOCOL) == 1

    async def request(self, authority, path='/', headers=()):
        """Asks for a WebSocket, no matter what the server offers, and returns the stream with the answer."""
        await self.until(lambda: self.settings is not None)
        stream = Stream(self, self.h2.get_next_available_stream_id())
        self.streams[stream.id] = stream
        self.h2.send_headers(stream.id, [
            (':method', 'CONNECT'), (':protocol', 'websocket'), (':scheme', 'https'),
            (':authority', authority), (':path', path), ('sec-websocket-version', '13'), *headers])
        await self.write()
        await self.until(lambda: stream.response or stream.ended)
        return stream


class Stream:
    """A stream that carries a WebSocket if the status is 200."""

    def __init__(self, connection, id):
        self.connection, self.id = connection, id
        self.response, self.ended = {}, None
        self.websocket = Protocol(Side.CLIENT, max_size=None)
        self.frames = []

    @property
    def status(self):
        return self.response.get(':status')

    def handle(self, event):
        if isinstance(event, ResponseReceived):
            self.response = dict(event.headers)
            self.agree(self.response.get('sec-websocket-extensions'))
        elif isinstance(event, DataReceived):
            self.connection.h2.acknowledge_received_data(event.flow_controlled_length, self.id)
            self.websocket.receive_data(event.data)
            self.frames += self.websocket.events_received()
        elif isinstance(event, StreamEnded):
            self.ended = 'the server ended the stream'
        elif isinstance(event, StreamReset):
            self.ended = f'the server reset the stream with {event.error_code!r}'

    def agree(self, extensions):
        if extensions:
            factory = ClientPerMessageDeflateFactory()
            name, parameters = parse_extension(extensions)[0]
            assert name == factory.name, extensions
            self.websocket.extensions = [factory.process_response_params(parameters, [])]

    async def write(self):
        """Writes what the WebSocket has to send, as far as the windows of HTTP/2 allow."""
        h2 = self.connection.h2
        for data in self.websocket.data_to_send():
            while data:
                room = min(h2.local_flow_control_window(self.id), h2.max_outbound_frame_size)
                if room > 0:
                    h2.send_data(self.id, data[:room])
                    data = data[room:]
                await self.connection.write()
                if data and room <= 0:
                    await self.connection.until(
                        lambda: self.ended or h2.local_flow_control_window(self.id) > 0)
                if self.ended:
                    raise Ended(self.ended)

    async def send(self, message):
        if isinstance(message, str):
            self.websocket.send_text(message.encode())
        else:
            self.websocket.send_binary(message)
        await self.write()

    async def frame(self, *opcodes):
        """The next frame with one of the opcodes."""
        while True:
            await self.connection.until(lambda: self.frames or self.ended)
            await self.write()                   # the pongs and the answering Close
            if not self.frames:
                raise Ended(self.ended)
            frame = self.frames.pop(0)
            if frame.opcode in opcodes:
                return frame

    async def recv(self):
        first = frame = await self.frame(Opcode.TEXT, Opcode.BINARY)
        pieces = [first.data]
        while not frame.fin:
            frame = await self.frame(Opcode.CONT)
            pieces.append(frame.data)
        message = b''.join(pieces)
        return message.decode() if first.opcode == Opcode.TEXT else message

    async def ping(self):
        """Waits for a ping of the server, and answers it."""
        await self.frame(Opcode.PING)

    async def close(self, code=1000, reason=''):
        """The closing handshake, up to the end of the stream. Returns the Close of the server."""
        self.websocket.send_close(code, reason)
        await self.write()
        await self.connection.until(lambda: self.ended)
        return self.websocket.close_rcvd


@asynccontextmanager
async def connect(proxy):
    """A connection of HTTP/2 to the proxy, which has to choose it by ALPN."""
    reader, writer = await asyncio.open_connection(
        'localhost', proxy.tls, ssl=proxy.context('h2', 'http/1.1'), family=AF_INET)
    connection = Connection(reader, writer)
    connection.h2.initiate_connection()
    await connection.write()
    task = asyncio.create_task(connection.run())
    try:
        protocol = writer.get_extra_info('ssl_object').selected_alpn_protocol()
        assert protocol == 'h2', f'the proxy chose {protocol}'
        yield connection
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.transport.abort()
