// permessage-deflate: `ws` as the client of `echo_server --deflate`, and as the server of `client --deflate`.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from './echo_server_checks.js';
import { echo, session } from './client_checks.js';
import { Program } from './harness.js';

const WORDS = ['compression', 'window', 'Grüße', '世界', '🦀', 'context', 'takeover', 'message', '{"id":', '},', 'null'];
const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

// Words in random order.
function text(length) {
  return Array.from({ length }, () => WORDS[Math.floor(Math.random() * WORDS.length)]).join(' ');
}

// Text that a compressor makes much shorter only if it has seen it before.
const noise = randomBytes(15_000).toString('base64');
const long = text(1000);
const messages = [
  '', Buffer.alloc(0), 'short', Buffer.from('short'), text(10), long, long, text(100_000), Buffer.from(long), randomBytes(70_000),
  Buffer.alloc(1 << 20), 'end',
];
const byteLength = (message) => Buffer.byteLength(message);

// The parameters of an answer. Clients print what the server said, or what they understood: then the order is their own,
// the default window has no parameter, and a client that has hinted at a window of its own uses no larger one.
export const parameters = (answer, hint = 15) => answer
  .replace(/client_max_window_bits=(\d+)/, (_, bits) => `client_max_window_bits=${Math.min(bits, hint)}`)
  .split('; ').filter((parameter) => !parameter.endsWith('_max_window_bits=15')).sort();

// Asserts that a second message of the same noise is short exactly if the parameters allow to refer to the first.
function secondIsShort(first, second, noTakeover, bits) {
  assert(first > noise.length * 0.7 && first < noise.length + 20, `noise became ${first} bytes`);
  assert.equal(second < first / 20, !noTakeover && bits === 15, `noise became ${first} bytes, and then ${second}`);
}

// ---- checks of the example `echo_server` ----

async function agrees(url, options, answer, { server = 15, serverNoTakeover = false, client = 15, clientNoTakeover = false } = {}) {
  const socket = await connect(url, [], { perMessageDeflate: { threshold: 0, ...options } });
  assert.equal(socket.response.headers['sec-websocket-extensions'], answer);
  const wire = socket.response.socket;
  const take = async (message) => {
    const before = [wire.bytesWritten, wire.bytesRead];
    socket.send(message);
    assert.deepEqual(await socket.next(), message);
    return [wire.bytesWritten - before[0], wire.bytesRead - before[1]];
  };
  for (const message of [...messages, ...messages]) {
    const [, read] = await take(message);
    // The header of a frame has at most ten bytes, and a message that does not shrink grows by a few bytes at most.
    assert(read <= byteLength(message) + 20, `${byteLength(message)} bytes became ${read}`);
    if (typeof message === 'string' && byteLength(message) > 5000) assert(read < byteLength(message) / 2);
  }
  for (const message of messages) socket.send(message);
  for (const message of messages) assert.deepEqual(await socket.next(), message);
  const [first, second] = [await take(noise), await take(noise)];
  secondIsShort(first[0], second[0], clientNoTakeover, client);
  secondIsShort(first[1], second[1], serverNoTakeover, server);
  assert.equal((await socket.finish(1000)).code, 1000);
}

async function isPlain(url) {
  const socket = await connect(url);
  assert.equal(socket.response.headers['sec-websocket-extensions'], undefined);
  socket.send(long);
  assert.equal(await socket.next(), long);
  await socket.finish(1000);
}

async function isPlainWhereAsked(url) {
  const socket = await connect(url, [], { perMessageDeflate: true });
  for (const compress of [true, false, true, false, false, true]) {
    socket.send(noise, { compress });
    assert.equal(await socket.next(), noise);
  }
  await socket.finish(1000);
}

async function fragments(url) {
  const socket = await connect(url, [], { perMessageDeflate: { threshold: 0 } });
  for (const pieces of [['one ', '', 'two ', text(20_000), 'three'], ['', ''], Array(1024).fill('x'.repeat(1024))]) {
    for (let n = 0; n < 2; n += 1) {
      pieces.forEach((piece, i) => {
        socket.send(piece, { fin: i === pieces.length - 1 });
        socket.ping();
      });
      assert.equal(await socket.next(), pieces.join(''));
    }
  }
  await socket.finish(1000);
}

async function tooLarge(url) {
  const socket = await connect(url, [], { perMessageDeflate: true });
  const closed = once(socket, 'close');
  socket.send(Buffer.alloc(33 << 20));
  assert.equal((await closed)[0], 1009);
}

async function checkServer(checks, program) {
  for (const option of ['--deflate', '--deflate-keeps-client-context']) {
    const server = new Program(program, [option, '127.0.0.1:0']);
    try {
      const url = (await server.lineMatching(/ws:\/\/127\.0\.0\.1:\d+/))[0] + '/';
      const check = (options, answer, agreed) => {
        const name = JSON.stringify(options).replaceAll('"', '');
        return checks.run(`echo_server ${option}: ${name}`, agrees, url, options, 'permessage-deflate' + answer, agreed);
      };
      await check({}, '');
      await check({ clientMaxWindowBits: false }, '');
      await check({ serverNoContextTakeover: true }, '; server_no_context_takeover', { serverNoTakeover: true });
      if (option === '--deflate') {
        await check({ clientNoContextTakeover: true }, '; client_no_context_takeover', { clientNoTakeover: true });
        for (const bits of BITS) {
          await check({ serverMaxWindowBits: bits }, `; server_max_window_bits=${bits}`, { server: bits });
        }
        for (const bits of BITS) {
          const answer = bits < 15 ? `; client_max_window_bits=${bits}` : '';
          await check({ clientMaxWindowBits: bits }, answer, { client: bits });
        }
        await check(
          { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
          '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10',
          { server: 9, serverNoTakeover: true, client: 10, clientNoTakeover: true },
        );
      } else {
        // The server does not follow hints. So `ws` uses context takeover, but keeps to its own window.
        await check({ clientNoContextTakeover: true }, '');
        await check({ clientMaxWindowBits: 11 }, '', { client: 11 });
      }
      await checks.run(`echo_server ${option}: no compression without an offer`, isPlain, url);
      await checks.run(`echo_server ${option}: plain messages among compressed ones`, isPlainWhereAsked, url);
      await checks.run(`echo_server ${option}: fragments`, fragments, url);
      await checks.run(`echo_server ${option}: a message too large once decompressed`, tooLarge, url);
    } finally {
      await server.stop();
    }
  }
}

// ---- the example `client` ----

async function clientAgrees(program, options, answer, agreed = {}) {
  const { client: bits = 15, clientNoTakeover = false } = agreed;
  let wire;
  const onSocket = (socket, request) => {
    wire = request.socket;
    assert.equal(request.headers['sec-websocket-extensions'], 'permessage-deflate; client_max_window_bits');
    echo(socket);
  };
  const lines = ['', 'short', text(10), long, long, text(50_000), 'end'];
  await session([program, '--deflate'], onSocket, async (client, closes) => {
    assert.deepEqual(parameters((await client.lineMatching(/^\* permessage-deflate(.*)/))[1]), parameters(answer));
    const take = async (line) => {
      const before = wire.bytesRead;
      client.type(line + '\n');
      assert.equal((await client.lineMatching(/^< (.*)/))[1], line);
      return wire.bytesRead - before;
    };
    for (const line of [...lines, ...lines]) {
      const length = await take(line);
      if (byteLength(line) > 5000) assert(length < byteLength(line) / 2, `${byteLength(line)} bytes became ${length}`);
    }
    secondIsShort(await take(noise), await take(noise), clientNoTakeover, bits);
    client.endOfInput();
    assert.equal(await client.status(), 0);
    const { code, got } = await closes.next();
    assert.deepEqual(got, [...lines, ...lines, noise, noise]);
    assert.equal(code, 1000);
  }, { perMessageDeflate: { threshold: 0, ...options } });
}

async function clientIsDeclined(program) {
  await session([program, '--deflate'], echo, async (client, closes) => {
    client.type(long + '\n');
    assert.equal((await client.lineMatching(/^([^*].*)/))[1], '< ' + long);
    assert(!client.output.includes('permessage-deflate'));
    client.endOfInput();
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  });
}

async function clientReceivesFragments(program) {
  const onSocket = (socket) => {
    for (const piece of ['one ', '', noise, noise]) socket.send(piece, { fin: false });
    socket.send(' three', { fin: true });
    socket.send('plain', { compress: false });
    socket.send(noise);
  };
  await session([program, '--deflate'], onSocket, async (client, closes) => {
    assert.equal((await client.lineMatching(/^< (.*)/))[1], `one ${noise}${noise} three`);
    assert.equal((await client.lineMatching(/^< (.*)/))[1], 'plain');
    assert.equal((await client.lineMatching(/^< (.*)/))[1], noise);
    client.endOfInput();
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  }, { perMessageDeflate: { threshold: 0 } });
}

async function clientTooLarge(program) {
  await session([program, '--deflate'], (socket) => socket.send('x'.repeat(2 << 20)), async (client, closes) => {
    assert((await client.status()) > 0);
    assert.equal((await closes.next()).code, 1009);
  }, { perMessageDeflate: true });
}

async function checkClient(checks, program) {
  const check = (options, answer, agreed) => {
    const name = JSON.stringify(options).replaceAll('"', '');
    return checks.run(`client --deflate: ${name}`, clientAgrees, program, options, answer, agreed);
  };
  await check({}, '');
  await check({ serverNoContextTakeover: true }, '; server_no_context_takeover');
  await check({ clientNoContextTakeover: true }, '; client_no_context_takeover', { clientNoTakeover: true });
  for (const bits of BITS) await check({ serverMaxWindowBits: bits }, `; server_max_window_bits=${bits}`);
  for (const bits of BITS) await check({ clientMaxWindowBits: bits }, `; client_max_window_bits=${bits}`, { client: bits });
  await check(
    { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9, clientMaxWindowBits: 10 },
    // `ws` writes the parameter of the offer first.
    '; client_max_window_bits=10; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9',
    { client: 10, clientNoTakeover: true },
  );
  await checks.run('client --deflate: declined', clientIsDeclined, program);
  await checks.run('client --deflate: fragments, and plain messages among compressed ones', clientReceivesFragments, program);
  await checks.run('client --deflate: a message too large once decompressed', clientTooLarge, program);
}

export async function run(checks, echoServer, client) {
  await checkServer(checks, echoServer);
  await checkClient(checks, client);
}
