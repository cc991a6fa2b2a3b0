"""uvicorn_peer.py websockets-sansio|wsproto server [--deflate]: uvicorn with one of its backends."""
import sys

import uvicorn

import common

BACKEND = sys.argv.pop(1)


async def app(scope, receive, send):
    if scope['type'] != 'websocket':
        return
    assert (await receive())['type'] == 'websocket.connect'
    chosen = 'matrix' if 'matrix' in scope['subprotocols'] else None
    await send({'type': 'websocket.accept', 'subprotocol': chosen})
    while (event := await receive())['type'] == 'websocket.receive':
        if event.get('text') == '!close':
            await send({'type': 'websocket.close', 'code': common.CLOSE[0], 'reason': common.CLOSE[1]})
            return
        message = {'type': 'websocket.send'}
        message.update({'bytes': event['bytes']} if event.get('bytes') is not None else {'text': event['text']})
        await send(message)


class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        common.announce(self.servers[0].sockets[0].getsockname()[1])


async def server(deflate):
    config = uvicorn.Config(app, host='127.0.0.1', port=0, ws=BACKEND, ws_per_message_deflate=deflate, lifespan='off',
                            log_level='warning')
    await Server(config).serve()


common.run('uvicorn ' + BACKEND.removesuffix('-sansio'), None, server)
