"""Runs the example `client` against servers made with `websockets`."""
import asyncio, http, os, ssl, subprocess, tempfile
from contextlib import asynccontextmanager

from websockets.asyncio.server import serve

from harness import Program, equal

CERTIFICATES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'certificates')


class Connections:
    """A server that runs `handler` for each connection. `result` gives the outcome of the next one that has ended."""

    def __init__(self, handler):
        self.handler = handler
        self.ended = asyncio.Queue()

    async def __call__(self, socket):
        try:
            self.ended.put_nowait((socket, await self.handler(socket)))
        except Exception as error:
            self.ended.put_nowait((socket, error))

    async def result(self):
        socket, result = await self.ended.get()
        if isinstance(result, Exception):
            raise result
        return socket, result


@asynccontextmanager
async def session(program, handler, *, scheme='ws', host='127.0.0.1', path='/', trusted=None, compression=None,
                  **options):
    """A server, and the client connected to it. `program` may be a list with options."""
    command = program if isinstance(program, list) else [program]
    connections = Connections(handler)
    async with serve(connections, '127.0.0.1', 0, compression=compression, ping_interval=None,
                     **options) as server:
        port = server.sockets[0].getsockname()[1]
        env = {k: v for k, v in os.environ.items() if k not in ('SSL_CERT_FILE', 'SSL_CERT_DIR')}
        if trusted:
            env['SSL_CERT_FILE'] = trusted
        client = await Program.start(*command, f'{scheme}://{host}:{port}{path}', env=env)
        try:
            yield client, connections
        except BaseException:
            print('  client printed ' + client.said())
            raise
        finally:
            await client.stop()


async def echo(socket):
    """Echoes until the client closes, and returns the messages."""
    got = []
    async for message in socket:
        got.append(message)
        await socket.send(message)
    return got


def closed_by_client(socket):
    protocol = socket.protocol
    equal(protocol.close_rcvd and protocol.close_rcvd.code, 1000)
    equal(protocol.close_rcvd_then_sent, True)


async def sends_and_prints(program, **options):
    lines = ['hello', 'Grüße, 世界, 🦀', 'x' * 2000, 'last']
    async with session(program, echo, **options) as (client, connections):
        for line in lines:
            await client.type(line + '\n')
            equal((await client.line_matching('^< (.*)'))[1], line)
        client.end_of_input()
        equal(await client.status(), 0)
        socket, got = await connections.result()
        equal(got, lines)
        closed_by_client(socket)


async def input_at_once(program):
    """The whole input exists before the connection does. The client sends all of it, and then closes."""
    lines = [f'line {n}' for n in range(500)]
    async def handler(socket):           # without an echo: the client may close before it could be sent
        return [message async for message in socket]
    async with session(program, handler) as (client, connections):
        await client.type(''.join(line + '\n' for line in lines))
        client.end_of_input()
        equal(await client.status(), 0)
        socket, got = await connections.result()
        equal(got, lines)
        closed_by_client(socket)


async def no_input(program):
    async with session(program, echo) as (client, connections):
        client.end_of_input()
        equal(await client.status(), 0)
        socket, got = await connections.result()
        equal(got, [])
        closed_by_client(socket)


async def answers_ping(program):
    async def handler(socket):
        await (await socket.ping(b'from the server'))
        await socket.send('the pong came')
        await socket.wait_closed()
    async with session(program, handler) as (client, connections):
        await client.line_matching('^< the pong came$')
        client.end_of_input()
        equal(await client.status(), 0)
        closed_by_client((await connections.result())[0])


async def receives_fragments(program):
    async def handler(socket):
        await socket.send(['one ', '', 'two ', 'three'])
        await socket.send('whole')
        await socket.wait_closed()
    async with session(program, handler) as (client, connections):
        equal((await client.line_matching('^< (.*)'))[1], 'one two three')
        equal((await client.line_matching('^< (.*)'))[1], 'whole')
        client.end_of_input()
        equal(await client.status(), 0)
        closed_by_client((await connections.result())[0])


async def server_closes(program):
    """The client ends although its input is still open."""
    async def handler(socket):
        await socket.send('bye')
        await socket.close(1000, 'done')
        return socket.protocol.close_rcvd
    async with session(program, handler) as (client, connections):
        await client.line_matching('^< bye$')
        equal(await client.status(), 0)
        equal((await connections.result())[1].code, 1000)


async def connection_lost(program):
    async def handler(socket):
        await socket.recv()
        socket.transport.abort()
    async with session(program, handler) as (client, connections):
        await client.type('now\n')
        equal(await client.status() > 0, True)


async def request_is_sound(program):
    async with session(program, echo, path='/some/path?query=1') as (client, connections):
        client.end_of_input()
        equal(await client.status(), 0)
        socket, _ = await connections.result()
        equal(socket.request.path, '/some/path?query=1')
        equal(socket.request.headers['Host'], '127.0.0.1:%d' % socket.local_address[1])
        equal('Sec-WebSocket-Extensions' in socket.request.headers, False)


async def refused(program, status):
    def process_request(socket, request):
        return socket.respond(http.HTTPStatus(status), 'not here\n')
    async with session(program, echo, process_request=process_request) as (client, connections):
        equal(await client.status() > 0, True)
        equal(str(status) in client.said(), True)
        equal(connections.ended.empty(), True)


async def nobody_listens(program):
    async with serve(echo, '127.0.0.1', 0) as server:
        port = server.sockets[0].getsockname()[1]
    client = await Program.start(program, f'ws://127.0.0.1:{port}/')
    try:
        equal(await client.status() > 0, True)
    finally:
        await client.stop()


def server_context(directory, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f'{directory}/{name}.pem', f'{directory}/{name}.key')
    return context


async def untrusted(program, **options):
    """The client ends before there is a WebSocket connection."""
    async with session(program, echo, scheme='wss', **options) as (client, connections):
        equal(await client.status() > 0, True)
        equal('certificate' in client.said().lower(), True)
        equal(connections.ended.empty(), True)


async def run(checks, program):
    for name, check, *arguments in (
        ('sends lines, prints echoes, closes with 1000', sends_and_prints),
        ('all of the input at once', input_at_once),
        ('no input', no_input),
        ('answers a ping', answers_ping),
        ('receives fragments', receives_fragments),
        ('the server closes', server_closes),
        ('the connection is lost', connection_lost),
        ('the request is valid', request_is_sound),
        ('refused with 403', refused, 403),
        ('refused with 503', refused, 503),
        ('no server listens', nobody_listens),
    ):
        await checks.run('client: ' + name, check, program, *arguments)

    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([CERTIFICATES, directory], check=True, stdin=subprocess.DEVNULL)
        ca = directory + '/ca.pem'
        good, elsewhere = (server_context(directory, name) for name in ('server', 'elsewhere'))
        for name, check, options in (
            ('wss, by name', sends_and_prints, dict(scheme='wss', host='localhost', trusted=ca, ssl=good)),
            ('wss, by address', sends_and_prints, dict(scheme='wss', trusted=ca, ssl=good)),
            ('wss, unknown authority', untrusted, dict(host='localhost', ssl=good)),
            ('wss, certificate of another host', untrusted, dict(host='localhost', trusted=ca, ssl=elsewhere)),
        ):
            await checks.run('client: ' + name, lambda: check(program, **options))
