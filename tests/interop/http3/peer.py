"""The foreign side: HTTP/3 by aioquic and WebSocket frames by wsproto, for both roles."""
import asyncio
from contextlib import asynccontextmanager

import aioquic.asyncio
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection, Setting
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StopSendingReceived, StreamReset
from wsproto.connection import CLIENT, SERVER, Connection
from wsproto.events import BytesMessage, CloseConnection, TextMessage

CANCELLED = 0x10c                        # H3_REQUEST_CANCELLED


class WithoutSetting(H3Connection):
    """A server that does not know RFC 9220."""

    def _get_local_settings(self):
        settings = super()._get_local_settings()
        del settings[Setting.ENABLE_CONNECT_PROTOCOL]
        return settings


class Quic(QuicConnectionProtocol):
    """A QUIC connection, for both roles."""
    http_class = H3Connection

    def __init__(self, *arguments, on_request=None, **options):
        super().__init__(*arguments, **options)
        self.http = None
        self.streams = {}
        self.on_request = on_request
        self.termination = asyncio.get_running_loop().create_future()
        self.settings = asyncio.get_running_loop().create_future()
        self.tasks = set()

    def quic_event_received(self, event):
        if isinstance(event, ProtocolNegotiated):
            self.http = self.http_class(self._quic)
        elif isinstance(event, ConnectionTerminated):
            self.termination.set_result((event.error_code, event.reason_phrase))
            for stream in self.streams.values():
                stream.incoming.put_nowait(('terminated', event.error_code))
        elif isinstance(event, StreamReset) and event.stream_id in self.streams:
            self.streams[event.stream_id].incoming.put_nowait(('reset', event.error_code))
        elif isinstance(event, StopSendingReceived) and event.stream_id in self.streams:
            self.streams[event.stream_id].stopped.set_result(event.error_code)
        if self.http is None:
            return
        for found in self.http.handle_event(event):
            self.http_event(found)
        if self.http.received_settings is not None and not self.settings.done():
            self.settings.set_result(self.http.received_settings)

    def http_event(self, event):
        if isinstance(event, HeadersReceived):
            stream = self.streams.get(event.stream_id)
            if stream is None:
                stream = self.streams[event.stream_id] = Stream(self, event.stream_id)
                stream.request = event.headers
                task = asyncio.create_task(self.on_request(stream))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
            else:
                stream.incoming.put_nowait(('headers', event.headers))
        elif isinstance(event, DataReceived):
            self.streams[event.stream_id].incoming.put_nowait(('data', event.data))
        if event.stream_ended:
            self.streams[event.stream_id].incoming.put_nowait(('end', None))

    def open(self, headers, end_stream=False):
        stream = Stream(self, self._quic.get_next_available_stream_id())
        self.streams[stream.id] = stream
        stream.send_headers(headers, end_stream)
        return stream

    async def websocket(self, headers=(), **pseudo):
        """Opens a WebSocket, and checks the answer."""
        stream = self.open(request(*headers, **pseudo))
        answer = dict(await stream.headers())
        assert answer[b':status'] == b'200', answer
        stream.answer = answer
        return stream


def request(*headers, method='CONNECT', protocol='websocket', path='/echo', authority='localhost',
            version='13'):
    pseudo = [(':method', method), (':protocol', protocol), (':scheme', 'https'), (':authority', authority),
              (':path', path), ('sec-websocket-version', version)]
    fields = [field for field in pseudo if field[1] is not None] + list(headers)
    return [(name.encode(), value.encode()) for name, value in fields]


class Stream:
    """A request stream, and the WebSocket on it."""

    def __init__(self, quic, id):
        self.quic, self.id = quic, id
        self.incoming = asyncio.Queue()  # 'headers', 'data', and one of 'end', 'reset', 'terminated'
        self.stopped = asyncio.get_running_loop().create_future()
        self.websocket = Connection(SERVER if quic.on_request else CLIENT)
        self.events = []

    def compress(self, extension):
        self.websocket = Connection(SERVER if self.quic.on_request else CLIENT, [extension])

    def send_headers(self, headers, end_stream=False):
        self.quic.http.send_headers(self.id, headers, end_stream)
        self.quic.transmit()

    def send_bytes(self, data, end_stream=False):
        self.quic.http.send_data(self.id, data, end_stream)
        self.quic.transmit()

    def send(self, *events):
        self.send_bytes(b''.join(self.websocket.send(event) for event in events))

    def end(self):
        self.send_bytes(b'', end_stream=True)

    def reset(self, code=CANCELLED):
        self.quic._quic.reset_stream(self.id, code)
        self.quic.transmit()

    async def headers(self):
        kind, headers = await self.incoming.get()
        assert kind == 'headers', (kind, headers)
        return headers

    async def event(self):
        """The next event of the WebSocket, or how the stream ended: ('end', None), ('reset', CODE)."""
        while not self.events:
            kind, data = await self.incoming.get()
            if kind != 'data':
                return kind, data
            if data:
                self.websocket.receive_data(data)
                self.events += self.websocket.events()
        return self.events.pop(0)

    async def message(self):
        """The next message, joined from its frames and from the pieces in which they arrived."""
        pieces = []
        while True:
            event = await self.event()
            assert isinstance(event, (TextMessage, BytesMessage)), event
            pieces.append(event.data)
            if event.message_finished:
                return type(event.data)().join(pieces)

    async def raw_end(self):
        """Reads to the end of the stream. Returns all bytes, and how the stream ended."""
        received = b''
        while True:
            kind, data = await self.incoming.get()
            if kind != 'data':
                return received, (kind, data)
            received += data

    async def close(self, code=1000):
        """Closes from this side, and checks the answer and the end of the stream."""
        self.send(CloseConnection(code=code))
        event = await self.event()
        assert isinstance(event, CloseConnection) and event.code == code, event
        self.end()
        assert await self.event() == ('end', None)


@asynccontextmanager
async def connected(port, authority):
    """A client's connection. `authority` is the file with the certificate to trust."""
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, server_name='localhost', cafile=authority)
    async with aioquic.asyncio.connect('127.0.0.1', port, configuration=configuration,
                                       create_protocol=Quic) as quic:
        yield quic


@asynccontextmanager
async def serving(on_request, certificate, key, http_class=H3Connection):
    """A server that runs `on_request(stream)` for each request. Yields its port."""
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=False)
    configuration.load_cert_chain(certificate, key)
    def protocol(*arguments, **options):
        quic = Quic(*arguments, on_request=on_request, **options)
        quic.http_class = http_class
        return quic
    server = await aioquic.asyncio.serve('127.0.0.1', 0, configuration=configuration,
                                         create_protocol=protocol)
    try:
        yield server._transport.get_extra_info('sockname')[1]
    finally:
        server.close()
