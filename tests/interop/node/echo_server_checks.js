// Checks the example `echo_server` with `ws` as its client.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import WebSocket from 'ws';
import { Program } from './harness.js';

let perMessageDeflate = false;

// Returns an open socket. `next()` gives its messages in order, and text as a string.
export async function connect(url, protocols = [], options = {}) {
  const socket = new WebSocket(url, protocols, { perMessageDeflate, ...options });
  const messages = [];
  let wake = () => {};
  socket.on('message', (data, isBinary) => { messages.push(isBinary ? data : data.toString()); wake(); });
  socket.on('close', () => wake());
  socket.next = async () => {
    while (!messages.length) {
      assert.equal(socket.readyState, WebSocket.OPEN, 'the connection ended');
      await new Promise((resolve) => { wake = resolve; });
    }
    return messages.shift();
  };
  socket.finish = async (code, reason) => {
    const closed = once(socket, 'close');
    socket.close(code, reason);
    const [received, text] = await closed;
    return { code: received, reason: text.toString() };
  };
  socket.on('upgrade', (response) => { socket.response = response; });
  await once(socket, 'open');
  socket.on('error', () => {});   // the checks notice that the connection has ended
  return socket;
}

async function echoes(url, message) {
  const socket = await connect(url);
  socket.send(message);
  assert.deepEqual(await socket.next(), message);
  assert.equal((await socket.finish(1000)).code, 1000);
}

async function keepsOrder(url) {
  const socket = await connect(url);
  const messages = Array.from({ length: 20 }, () => ['', Buffer.alloc(0), 'one', Buffer.from('two'), 'three']).flat();
  for (const message of messages) socket.send(message);
  for (const message of messages) assert.deepEqual(await socket.next(), message);
  await socket.finish(1000);
}

async function fragments(url, pieces) {
  const socket = await connect(url);
  pieces.forEach((piece, i) => socket.send(piece, { fin: i === pieces.length - 1 }));
  const whole = typeof pieces[0] === 'string' ? pieces.join('') : Buffer.concat(pieces);
  assert.deepEqual(await socket.next(), whole);
  await socket.finish(1000);
}

async function pingBetweenFragments(url) {
  const socket = await connect(url);
  const pong = once(socket, 'pong');
  socket.send('before ', { fin: false });
  socket.ping('between');
  assert.equal((await pong)[0].toString(), 'between');
  socket.send('after', { fin: true });
  assert.equal(await socket.next(), 'before after');
  await socket.finish(1000);
}

async function ping(url, payload) {
  const socket = await connect(url);
  const pong = once(socket, 'pong');
  socket.ping(payload);
  assert.deepEqual((await pong)[0], payload);
  await socket.finish(1000);
}

async function close(url, code, reason, expected = code) {
  const socket = await connect(url);
  assert.equal((await socket.finish(code, reason)).code, expected);
}

async function unknownSubprotocols(url) {
  // `ws` refuses an answer without any of the offered subprotocols, so this check reads the answer itself.
  const socket = new WebSocket(url, ['no.such.protocol', 'nor.this.one'], { perMessageDeflate: false });
  socket.on('error', () => {});
  const [response] = await once(socket, 'upgrade');
  assert.equal(response.statusCode, 101);
  assert.equal(response.headers['sec-websocket-protocol'], undefined);
  socket.terminate();
}

async function noExtension(url) {
  const socket = await connect(url, [], { perMessageDeflate: true });
  assert.equal(socket.extensions, '');
  assert.equal(socket.response.headers['sec-websocket-extensions'], undefined);
  socket.send('plain'.repeat(1000));
  assert.equal(await socket.next(), 'plain'.repeat(1000));
  await socket.finish(1000);
}

async function severalAtOnce(url) {
  await Promise.all(Array.from({ length: 30 }, async (_, n) => {
    const socket = await connect(url);
    for (const size of [0, 1, 125, 126, 4096, 65535, 65536, n]) {
      const sent = randomBytes(size);
      socket.send(sent);
      assert.deepEqual(await socket.next(), sent);
    }
    assert.equal((await socket.finish(1000)).code, 1000);
  }));
}

async function lostConnection(url) {
  const stays = await connect(url);
  const lost = await connect(url);
  lost.send('never finished', { fin: false });
  const closed = once(lost, 'close');
  lost.terminate();
  await closed;
  stays.send('stays');
  assert.equal(await stays.next(), 'stays');
  await stays.finish(1000);
  await echoes(url, 'and a new one is served');
}

// With the option --deflate all messages are compressed.
export async function run(checks, program, ...options) {
  perMessageDeflate = options.length > 0 && { threshold: 0 };
  const server = new Program(program, [...options, '127.0.0.1:0']);
  const title = ['echo_server', ...options].join(' ');
  const check = (name, ...rest) => checks.run(`${title}: ${name}`, ...rest);
  try {
    let url;
    await check('prints the address that it listens on', async () => {
      url = (await server.lineMatching(/ws:\/\/127\.0\.0\.1:\d+/))[0] + '/';
    });
    if (!url) return;
    await check('text', echoes, url, 'Grüße, 世界, 🦀');
    await check('binary', echoes, url, Buffer.from(Array.from({ length: 256 }, (_, n) => n)));
    await check('empty text', echoes, url, '');
    await check('empty binary', echoes, url, Buffer.alloc(0));
    for (const size of [125, 126, 127, 65535, 65536]) {
      await check(`binary of ${size} bytes`, echoes, url, randomBytes(size));
    }
    await check('binary of 1 MiB', echoes, url, randomBytes(1 << 20));
    await check('text of 1 MiB', echoes, url, 'ä'.repeat(1 << 19));
    await check('many messages in order', keepsOrder, url);
    await check('text in fragments', fragments, url, ['one ', '', 'two ', 'thr', 'ee']);
    await check('binary in fragments', fragments, url, [Buffer.alloc(0), Buffer.alloc(1000), Buffer.alloc(70000, 255), Buffer.alloc(0)]);
    await check('text of 1 MiB in 1024 fragments', fragments, url, Array(1024).fill('x'.repeat(1024)));
    await check('ping between fragments', pingBetweenFragments, url);
    await check('ping with a payload', ping, url, Buffer.from('payload'));
    await check('ping without a payload', ping, url, Buffer.alloc(0));
    await check('ping of 125 bytes', ping, url, randomBytes(125));
    await check('close without a code', close, url, undefined, undefined, 1005);
    await check('close 1000', close, url, 1000, '');
    await check('close 4000 with a reason', close, url, 4000, 'the reason');
    await check('close with a reason of 123 bytes', close, url, 3000, 'r'.repeat(123));
    await check('unknown subprotocols', unknownSubprotocols, url);
    if (!perMessageDeflate) await check('permessage-deflate is declined', noExtension, url);
    await check('several connections at once', severalAtOnce, url);
    await check('lost connection', lostConnection, url);
  } finally {
    perMessageDeflate = false;
    await server.stop();
    if (checks.failed) console.log('  echo_server printed ' + server.said());
  }
}
