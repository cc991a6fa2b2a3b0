import { CLOSE, run, webClient } from './common.mjs';

run({
  name: `Deno ${Deno.version.deno}`,
  client: webClient(WebSocket),
  server: () => new Promise(resolve => {
    Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => resolve(port) }, request => {
      const offered = request.headers.get('Sec-WebSocket-Protocol');
      const { socket, response } = Deno.upgradeWebSocket(request, offered ? { protocol: 'matrix' } : {});
      socket.binaryType = 'arraybuffer';
      socket.onmessage = ({ data }) => data === '!close' ? socket.close(...CLOSE) : socket.send(data);
      socket.onerror = () => {};
      return response;
    });
  }),
});
