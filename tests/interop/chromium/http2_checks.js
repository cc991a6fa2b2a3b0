// WebSockets over TLS: on HTTP/2 (RFC 8441), and on HTTP/1.1 in a browser that may not use HTTP/2.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cost, openEchoPage } from './echo_page.js';

const CERTIFICATES = fileURLToPath(new URL('../certificates', import.meta.url));

// Runs the server behind a relay that sees only TLS, and counts its connections and their bytes.
async function withServer(program, certificate, key, options, body) {
  const child = spawn(program, [...options, certificate, key, '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const sockets = [];
  const seen = { connections: 0, there: 0, back: 0 };
  let port;
  const relay = net.createServer((near) => {
    seen.connections += 1;
    const far = net.connect(port, '127.0.0.1');
    for (const socket of [near, far]) {
      socket.on('error', () => { near.destroy(); far.destroy(); });
      sockets.push(socket);
    }
    near.on('data', (data) => { seen.there += data.length; far.write(data); }).on('end', () => far.end());
    far.on('data', (data) => { seen.back += data.length; near.write(data); }).on('end', () => near.end());
  });
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    port = Number(/^listening on https:.*:(\d+)\/$/.exec(line)[1]);
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    await body(relay.address().port, seen);
  } finally {
    for (const socket of sockets) socket.destroy();
    relay.close();
    child.kill('SIGKILL');
    await ended;
  }
}

// Connects to the echo server. Returns the version of HTTP that the server has seen, and the extensions.
const connect = (page) => page.evaluate(async () => {
  const extensions = await connect('echo');
  const version = await new Promise((resolve) => { socket.onmessage = ({ data }) => resolve(data); });
  return { version, extensions };
});

const finish = async (page) =>
  assert.deepEqual(await page.evaluate(() => finish()), { code: 1000, wasClean: true });

async function exchanges(page, seen, isCompressed) {
  // With compression both shares are below the limit, and without it above 1.
  const costs = async (make, limit) => {
    const both = await cost(page, seen, make);
    for (const part of both) assert(isCompressed ? part < limit : part > 1, `${make} took ${both} of its bytes`);
  };
  await cost(page, seen, '["", "short", make.zeros(0), make.zeros(3), "Grüße, 世界, 🦀"]');
  await costs('[make.text(1000)]', 0.5);
  await costs('[make.text(200_000), make.zeros(1 << 20), make.text(50_000)]', 0.3);
  await costs('[make.random(200_000)]', 1.02);
  // Context takeover keeps the whole window, in both directions.
  for (const limit of [0.85, 0.03, 0.03]) await costs('[window.same ??= make.noise(20_000)]', limit);
  await cost(page, seen, 'Array.from({ length: 500 }, (_, n) => n % 2 ? make.text(n) : make.random(n))');
}

// Opens some connections at once, and sends messages on all of them.
const sideBySide = (page, count) => page.evaluate(async (count) => {
  const open = Array.from({ length: count }, (_, n) => new Promise((resolve, reject) => {
    const socket = new WebSocket(location.href.replace('http', 'ws') + 'echo');
    // No message is empty: Chromium 150 holds back an empty message behind others, until one more follows.
    const sent = ['x'.repeat(n * 10_000 + 1), `${n}`, make.text(n * 100 + 1)];
    const got = [];
    socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
    socket.onmessage = ({ data }) => {
      got.push(data);
      if (got.length === 1) for (const message of sent) socket.send(message);
      if (got.length <= sent.length) return;
      if (JSON.stringify(got.slice(1)) !== JSON.stringify(sent)) reject(new Error('other messages came back'));
      socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean, version: got[0] });
      socket.close(1000);
    };
  }));
  return Promise.all(open);
}, count);

async function checkServer(check, browser, program, certificate, key, { version, protocol, name }) {
  for (const [options, extensions] of [[[], ''], [['--deflate'], 'permessage-deflate']]) {
    const title = [name, ...options].join(' ');
    await withServer(program, certificate, key, options, async (port, seen) => {
      const page = await openEchoPage(browser, `https://127.0.0.1:${port}/`);
      await check(`${title}: the page and the WebSocket come over ${version}`, async () => {
        const used = await page.evaluate(() => performance.getEntriesByType('navigation')[0].nextHopProtocol);
        assert.equal(used, protocol);
        assert.deepEqual(await connect(page), { version, extensions });
      });
      await check(`${title}: messages of all sizes`, () => exchanges(page, seen, extensions !== ''));
      await check(`${title}: a clean end`, () => finish(page));
      await check(`${title}: twenty connections at once`, async () => {
        const before = seen.connections;
        const results = await sideBySide(page, 20);
        assert.deepEqual(results, Array(20).fill({ code: 1000, wasClean: true, version }));
        // All streams of HTTP/2 share the connection of the page.
        assert.equal(seen.connections - before, version === 'HTTP/2.0' ? 0 : 20);
      });
      await check(`${title}: a message too large ends with 1009`, async () => {
        await connect(page);
        const code = await page.evaluate(() => new Promise((resolve) => {
          socket.onclose = (event) => resolve(event.code);
          socket.send(make.zeros(33 << 20));
        }));
        assert.equal(code, 1009);
      });
      await check(`${title}: pages of other sites cannot connect`, async () => {
        const stranger = await openEchoPage(browser, `https://localhost:${port}/`);
        const code = await stranger.evaluate((to) => new Promise((resolve) => {
          const socket = new WebSocket(to);
          socket.onopen = () => resolve('open');
          socket.onclose = (event) => resolve(event.code);
        }), `wss://127.0.0.1:${port}/echo`);
        assert.equal(code, 1006);
        await stranger.close();
      });
      await page.close();
    });
  }
}

export async function run(check, open, program) {
  const directory = mkdtempSync(path.join(tmpdir(), 'sansws-'));
  try {
    execFileSync(CERTIFICATES, [directory], { stdio: ['ignore', 'inherit', 'inherit'] });
    const [certificate, key] = ['server.pem', 'server.key'].map((name) => path.join(directory, name));
    // Chromium accepts this key, whoever has signed it.
    const spki = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
    const hash = createHash('sha256').update(spki).digest('base64');
    const trust = `--ignore-certificate-errors-spki-list=${hash}`;
    await open([trust], (browser) => checkServer(check, browser, program, certificate, key,
      { name: 'wss on HTTP/2', version: 'HTTP/2.0', protocol: 'h2' }));
    await open([trust, '--disable-http2'], (browser) => checkServer(check, browser, program, certificate, key,
      { name: 'wss on HTTP/1.1', version: 'HTTP/1.1', protocol: 'http/1.1' }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
