import { WebSocket, WebSocketServer } from 'ws';
import { CLOSE, PING, run, subprotocols, version } from './common.mjs';

function echo(socket) {
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? '' : data.toString();
    if (text === '!ping') socket.ping(PING);
    else if (text === '!close') socket.close(...CLOSE);
    else if (text === '!fragments') {
      for (const [part, fin] of [['one ', false], ['two ', false], ['three', true]]) socket.send(part, { fin });
    } else socket.send(data, { binary: isBinary });
  });
  socket.on('error', error => console.error(error.message));
}

run({
  name: `ws ${version('ws')}`,
  client: (url, deflate) => new Promise(resolve => {
    const socket = new WebSocket(url, subprotocols(url), { perMessageDeflate: deflate && { threshold: 0 } });
    echo(socket);
    socket.on('close', resolve);
  }),
  server: deflate => new Promise(resolve => {
    const server = new WebSocketServer({
      host: '127.0.0.1', port: 0, perMessageDeflate: deflate && { threshold: 0 },
      handleProtocols: offered => offered.has('matrix') && 'matrix',
    });
    server.on('connection', echo);
    server.on('listening', () => resolve(server.address().port));
  }),
});
