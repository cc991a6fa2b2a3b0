import { CLOSE, PING, run, webClient } from './common.mjs';

run({
  name: `Bun ${Bun.version}`,
  client: webClient(WebSocket),
  server: deflate => Bun.serve({
    hostname: '127.0.0.1', port: 0,
    fetch(request, server) {
      const offered = request.headers.get('Sec-WebSocket-Protocol');
      server.upgrade(request, { headers: offered ? { 'Sec-WebSocket-Protocol': 'matrix' } : {} });
    },
    websocket: {
      perMessageDeflate: deflate,
      message(socket, data) {
        if (data === '!ping') socket.ping(PING);
        else if (data === '!close') socket.close(...CLOSE);
        else socket.send(data, deflate);
      },
    },
  }).port,
});
