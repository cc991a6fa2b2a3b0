import asyncio

import aiohttp
from aiohttp import web

import common

LIMIT = 4 << 20


async def echo(socket):
    async for message in socket:
        if message.type == aiohttp.WSMsgType.BINARY:
            await socket.send_bytes(message.data)
        elif message.type == aiohttp.WSMsgType.TEXT:
            if message.data == '!ping':
                await socket.ping(common.PING)
            elif message.data == '!close':
                await socket.close(code=common.CLOSE[0], message=common.CLOSE[1].encode())
            else:
                await socket.send_str(message.data)


async def client(url, deflate):
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url, protocols=common.subprotocols(url), compress=15 if deflate else 0,
                                      max_msg_size=LIMIT) as socket:
            await echo(socket)


async def server(deflate):
    async def handler(request):
        socket = web.WebSocketResponse(protocols=['matrix'], compress=deflate, max_msg_size=LIMIT)
        await socket.prepare(request)
        await echo(socket)
        return socket
    app = web.Application()
    app.router.add_get('/{tail:.*}', handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, '127.0.0.1', 0)
    await site.start()
    common.announce(site._server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


common.run('aiohttp', client, server)
