// What every peer that runs JavaScript does with its command line. See ../README.md for what a peer has to do.
import fs from 'node:fs';
import process from 'node:process';

export const CLOSE = [4001, 'bye from the peer'];
export const PING = 'from the peer';

export const subprotocols = url => url.endsWith('/subprotocol') ? ['other', 'matrix'] : [];
export const version = name =>
  JSON.parse(fs.readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;

// PEER version | PEER server [--deflate] | PEER client [--deflate] URL...
export async function run({ name, client, server }) {
  const [action, ...rest] = process.argv.slice(2);
  const deflate = rest[0] === '--deflate';
  if (action === 'version') console.log(name);
  else if (action === 'server') console.log(`listening on ${await server(deflate)}`);
  else {
    for (const url of rest.slice(deflate ? 1 : 0)) await client(url, deflate);
    process.exit(0);
  }
}

// A client with the API of browsers. It can send neither pings nor fragments.
export const webClient = WebSocket => url => new Promise(resolve => {
  const offered = subprotocols(url);
  const socket = offered.length ? new WebSocket(url, offered) : new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => data === '!close' ? socket.close(...CLOSE) : socket.send(data);
  socket.onclose = resolve;
  socket.onerror = () => {};
});
