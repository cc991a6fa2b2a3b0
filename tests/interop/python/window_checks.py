"""permessage-deflate with every window and every offer: both ends of `websockets` reject what RFC 7692 forbids.

zlib compresses with no window of 8 bits, so `websockets` knows such a window only for its peer.
"""
from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory

from client_checks import closed_by_client, echo, session
from deflate_checks import Watched, noise, text
from harness import Program, equal

ALL = range(8, 16)
OWN = range(9, 16)


async def exchanges(socket):
    """Echoes messages that need the whole window of either side."""
    for message in (text(1, 300), noise(2, 3000), noise(2, 3000)):
        await socket.send(message)
        equal(await socket.recv(), message)


def smaller(*bits):
    """The smallest of these windows; None means that an end does not limit it."""
    return min(15 if bits is None else bits for bits in bits)


async def client_windows(url, bits, follows):
    """The server wants at most `bits` of the client, whatever the client offers."""
    for offered in (None, True, *OWN):
        factory = ClientPerMessageDeflateFactory(client_max_window_bits=offered)
        async with connect(url, extensions=[factory], proxy=None) as socket:
            answer = socket.response.headers['Sec-WebSocket-Extensions']
            hint = 15 if offered in (None, True) else offered
            # A server without a limit of its own ignores the hint if it is told to. Its answer then does not
            # name the parameter.
            named = 15 if offered is None or (not follows and bits == 15) else smaller(bits, hint)
            equal(answer, 'permessage-deflate' + (f'; client_max_window_bits={named}' if named < 15 else ''))
            equal(Watched(socket).agreed, (False, False, 15, smaller(named, hint)))
            await exchanges(socket)


async def server_windows(url, bits):
    """The server's window has at most `bits`, whatever the client offers."""
    for offered in (None, *ALL):
        factory = ClientPerMessageDeflateFactory(server_max_window_bits=offered, client_max_window_bits=None)
        async with connect(url, extensions=[factory], proxy=None) as socket:
            agreed = smaller(bits, offered)
            is_named = offered is not None or bits < 15
            equal(socket.response.headers['Sec-WebSocket-Extensions'],
                  'permessage-deflate' + (f'; server_max_window_bits={agreed}' if is_named else ''))
            equal(Watched(socket).agreed, (False, False, agreed, 15))
            await exchanges(socket)


async def takeovers(url, server, client):
    """The server demands these, whatever the client offers."""
    for offered_server in (False, True):
        for offered_client in (False, True):
            factory = ClientPerMessageDeflateFactory(
                server_no_context_takeover=offered_server, client_no_context_takeover=offered_client)
            async with connect(url, extensions=[factory], proxy=None) as socket:
                equal(Watched(socket).agreed, (server or offered_server, client or offered_client, 15, 15))
                await exchanges(socket)


async def check_server(checks, program):
    cases = []
    for bits in ALL:
        for follows in (True, False) if bits in OWN else ():
            parameter = f'client_max_window_bits={bits}' + ('' if follows else ',ignore_hints')
            cases.append((parameter, client_windows, bits, follows))
        cases.append((f'server_max_window_bits={bits}', server_windows, bits))
    for parameter, server, client in (
        ('server_no_context_takeover', True, False),
        ('client_no_context_takeover', False, True),
        ('server_no_context_takeover,client_no_context_takeover', True, True),
    ):
        cases.append((parameter, takeovers, server, client))
    for parameter, check, *arguments in cases:
        server = await Program.start(program, f'--deflate={parameter}', '127.0.0.1:0')
        try:
            url = (await server.line_matching(r'ws://127\.0\.0\.1:\d+'))[0] + '/'
            await checks.run(f'echo_server --deflate={parameter}: all offers', check, url, *arguments)
        finally:
            await server.stop()


async def client_agrees(program, parameter, factory, agreed):
    """The client and the server agree on this, and can exchange messages."""
    async def handler(socket):
        equal(Watched(socket).agreed, agreed)
        return await echo(socket)
    async with session([program, f'--deflate={parameter}'], handler, extensions=[factory]) as (client, connections):
        await client.line_matching('permessage-deflate')
        for line in (text(1, 300), noise(2, 3000), noise(2, 3000)):
            await client.type(line + '\n')
            equal((await client.line_matching('^< (.*)'))[1], line)
        client.end_of_input()
        equal(await client.status(), 0)
        closed_by_client((await connections.result())[0])


async def all_servers(program, name, bits):
    """The client asks for a window of `bits`, and the server wants each window."""
    for wanted in (None, *(ALL if name == 'client_max_window_bits' else OWN)):
        factory = ServerPerMessageDeflateFactory(**{name: wanted})
        agreed = smaller(bits, wanted)
        # `websockets` names its own window last.
        windows = (agreed, 15) if name == 'client_max_window_bits' else (15, agreed)
        await client_agrees(program, f'{name}={bits}', factory, (False, False, *windows))


async def ignores_limits(program, parameter, opens):
    """The server accepts compression but ignores the limits, as many servers do."""
    def process_response(socket, request, response):
        del response.headers['Sec-WebSocket-Extensions']
        response.headers['Sec-WebSocket-Extensions'] = 'permessage-deflate'
    async with session([program, f'--deflate={parameter}'], echo, compression='deflate',
                       process_response=process_response) as (client, _):
        if opens:
            equal((await client.line_matching('permessage-deflate(.*)'))[1], '')
            await client.type(text(1, 300) + '\n')
            equal((await client.line_matching('^< (.*)'))[1], text(1, 300))
        else:
            equal(await client.status() > 0, True)
            equal('extension' in client.said(), True)


async def check_client(checks, program):
    for name in ('client_max_window_bits', 'server_max_window_bits'):
        for bits in ALL if name == 'client_max_window_bits' else OWN:
            await checks.run(f'client --deflate={name}={bits}: all servers', all_servers, program, name, bits)
    for parameter, agreed in (('server_no_context_takeover', (False, True)),
                              ('client_no_context_takeover', (True, False))):
        for wanted in (False, True):
            both = tuple(asked or wanted for asked in agreed)
            factory = ServerPerMessageDeflateFactory(server_no_context_takeover=wanted, client_no_context_takeover=wanted)
            await checks.run(f'client --deflate={parameter}: a server with {wanted}', client_agrees, program, parameter,
                             factory, (*both, 15, 15))
    for parameter in ('server_max_window_bits=10', 'server_no_context_takeover'):
        await checks.run(f'client --deflate={parameter}: a server that ignores it', ignores_limits, program, parameter,
                         True)
        await checks.run(f'client --deflate={parameter},no_fallback: a server that ignores it', ignores_limits, program,
                         parameter + ',no_fallback', False)


async def run(checks, echo_server, client):
    await check_server(checks, echo_server)
    await check_client(checks, client)
