import http from 'node:http';
import faye from 'faye-websocket';
import { CLOSE, PING, run, subprotocols, version } from './common.mjs';

function echo(socket) {
  socket.on('message', ({ data }) => {
    if (data === '!ping') socket.ping(PING);
    else if (data === '!close') socket.close(...CLOSE);
    else socket.send(data);
  });
  socket.on('error', error => console.error(error.message));
}

run({
  name: `faye-websocket ${version('faye-websocket')}`,
  client: url => new Promise(resolve => {
    const socket = new faye.Client(url, subprotocols(url));
    echo(socket);
    socket.on('close', resolve);
  }),
  server: () => new Promise(resolve => {
    const server = http.createServer();
    server.on('upgrade', (request, stream, body) => echo(new faye(request, stream, body, ['matrix'])));
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  }),
});
