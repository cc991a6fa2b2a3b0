// The example `client` against servers made with `ws`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { WebSocketServer } from 'ws';
import { Program } from './harness.js';

const CERTIFICATES = fileURLToPath(new URL('../certificates', import.meta.url));

function environment(trusted) {
  const { SSL_CERT_FILE, SSL_CERT_DIR, ...env } = process.env;
  return trusted ? { ...env, SSL_CERT_FILE: trusted } : env;
}

// A server that does `onSocket` for each connection, and `body(client, closes)` with
// the client connected to it. `program` can have options. `closes()` waits for the end of a connection.
export async function session(program, onSocket, body, options = {}) {
  const { host = '127.0.0.1', path = '/', trusted, tls, verifyClient, perMessageDeflate = false } = options;
  const [command, ...args] = [program].flat();
  const server = tls ? https.createServer(tls) : http.createServer();
  server.on('tlsClientError', () => {});
  const sockets = new WebSocketServer({ server, perMessageDeflate, verifyClient });
  const ended = [];
  const closes = { seen: 0, wake() {}, async next() {
    while (!ended.length) await new Promise((resolve) => { closes.wake = resolve; });
    return ended.shift();
  } };
  sockets.on('connection', (socket, request) => {
    closes.seen += 1;
    const got = [];
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => got.push(isBinary ? data : data.toString()));
    socket.on('close', (code) => { ended.push({ code, got, request }); closes.wake(); });
    onSocket(socket, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `${tls ? 'wss' : 'ws'}://${host}:${server.address().port}${path}`;
  const client = new Program(command, [...args, url], { env: environment(trusted) });
  try {
    await body(client, closes, server.address().port);
  } catch (error) {
    console.log('  client said ' + client.said());
    throw error;
  } finally {
    await client.stop();
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  }
}

const collect = () => {};
export const echo = (socket) => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

async function sendsAndPrints(program, options) {
  const lines = ['hello', 'Grüße, 世界, 🦀', 'x'.repeat(2000), 'last'];
  await session(program, echo, async (client, closes) => {
    for (const line of lines) {
      client.type(line + '\n');
      assert.equal((await client.lineMatching(/^< (.*)/))[1], line);
    }
    client.endOfInput();
    assert.equal(await client.status(), 0);
    const { code, got } = await closes.next();
    assert.deepEqual(got, lines);
    assert.equal(code, 1000);
  }, options);
}

async function inputAtOnce(program) {
  const lines = Array.from({ length: 500 }, (_, n) => `line ${n}`);
  await session(program, collect, async (client, closes) => {
    client.type(lines.map((line) => line + '\n').join(''));
    client.endOfInput();
    assert.equal(await client.status(), 0);
    const { code, got } = await closes.next();
    assert.deepEqual(got, lines);
    assert.equal(code, 1000);
  });
}

async function noInput(program) {
  await session(program, collect, async (client, closes) => {
    client.endOfInput();
    assert.equal(await client.status(), 0);
    const { code, got } = await closes.next();
    assert.deepEqual(got, []);
    assert.equal(code, 1000);
  });
}

async function answersPing(program) {
  const onSocket = (socket) => {
    socket.on('pong', (data) => socket.send('pong with ' + data));
    socket.ping('from the server');
  };
  await session(program, onSocket, async (client, closes) => {
    await client.lineMatching(/^< pong with from the server$/);
    client.endOfInput();
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  });
}

async function receivesFragments(program) {
  const onSocket = (socket) => {
    for (const piece of ['one ', '', 'two ']) socket.send(piece, { fin: false });
    socket.send('three', { fin: true });
    socket.send('whole');
  };
  await session(program, onSocket, async (client, closes) => {
    assert.equal((await client.lineMatching(/^< (.*)/))[1], 'one two three');
    assert.equal((await client.lineMatching(/^< (.*)/))[1], 'whole');
    client.endOfInput();
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  });
}

// The client ends although its input is still open.
async function serverCloses(program) {
  const onSocket = (socket) => { socket.send('bye'); socket.close(1000, 'done'); };
  await session(program, onSocket, async (client, closes) => {
    await client.lineMatching(/^< bye$/);
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  });
}

async function connectionLost(program) {
  const onSocket = (socket) => socket.on('message', () => socket.terminate());
  await session(program, onSocket, async (client) => {
    client.type('now\n');
    assert((await client.status()) > 0);
  });
}

async function requestIsSound(program) {
  await session(program, collect, async (client, closes, port) => {
    client.endOfInput();
    assert.equal(await client.status(), 0);
    const { request } = await closes.next();
    assert.equal(request.url, '/some/path?query=1');
    assert.equal(request.headers.host, `127.0.0.1:${port}`);
    assert.equal(request.headers['sec-websocket-extensions'], undefined);
  }, { path: '/some/path?query=1' });
}

async function refused(program, status) {
  await session(program, collect, async (client, closes) => {
    assert((await client.status()) > 0);
    assert(client.output.includes(String(status)), 'the status is not printed');
    assert.equal(closes.seen, 0);
  }, { verifyClient: (info, done) => done(false, status) });
}

async function nobodyListens(program) {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  const client = new Program(program, [`ws://127.0.0.1:${port}/`]);
  try {
    assert((await client.status()) > 0);
  } finally {
    await client.stop();
  }
}

// There never is a WebSocket connection.
async function untrusted(program, options) {
  await session(program, collect, async (client, closes) => {
    assert((await client.status()) > 0);
    assert(/certificate/i.test(client.output), 'the reason is not printed');
    assert.equal(closes.seen, 0);
  }, options);
}

export async function run(checks, program) {
  const check = (name, f, ...rest) => checks.run('client: ' + name, f, program, ...rest);
  await check('sends lines, prints echoes, closes with 1000', sendsAndPrints);
  await check('all of the input at once', inputAtOnce);
  await check('no input', noInput);
  await check('answers a ping', answersPing);
  await check('receives fragments', receivesFragments);
  await check('the server closes', serverCloses);
  await check('the connection is lost', connectionLost);
  await check('the request is valid', requestIsSound);
  await check('refused with 403', refused, 403);
  await check('refused with 503', refused, 503);
  await check('no server listens', nobodyListens);

  const directory = mkdtempSync(tmpdir() + '/sansws-');
  try {
    execFileSync(CERTIFICATES, [directory], { stdio: ['ignore', 'inherit', 'inherit'] });
    const trusted = directory + '/ca.pem';
    const [good, elsewhere] = ['server', 'elsewhere'].map((name) => ({
      cert: readFileSync(`${directory}/${name}.pem`),
      key: readFileSync(`${directory}/${name}.key`),
    }));
    await check('wss, by name', sendsAndPrints, { host: 'localhost', trusted, tls: good });
    await check('wss, by address', sendsAndPrints, { trusted, tls: good });
    await check('wss, unknown authority', untrusted, { host: 'localhost', tls: good });
    await check('wss, certificate of another host', untrusted, { host: 'localhost', trusted, tls: elsewhere });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
