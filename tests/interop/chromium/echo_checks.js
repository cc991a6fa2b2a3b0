// An echo server behind a page of its own, plain and compressed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { cost, openEchoPage } from './echo_page.js';

// ---- `echo_server`, behind a page, and how many bytes go to it and come from it ----

async function withEchoServer(browser, echoServer, options, body) {
  // All connections of `echo_server` share one codec of each kind. The server of the driver has no such option.
  const codecs = path.basename(echoServer) === 'echo_server' ? ['--codecs', '1'] : [];
  const child = spawn(echoServer, [...codecs, ...options, '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const sockets = [];
  const bytes = { there: 0, back: 0 };
  const front = http.createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end('<!doctype html><title>echo</title><link rel="icon" href="data:,">');
  });
  let page;
  try {
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    const port = Number(/^listening on ws:.*:(\d+)\/$/.exec(line)[1]);
    front.on('upgrade', ({ method, url, rawHeaders }, near, head) => {
      const far = net.connect(port, '127.0.0.1');
      for (const socket of [near, far]) {
        socket.on('error', () => { near.destroy(); far.destroy(); });
        sockets.push(socket);
      }
      const fields = rawHeaders.map((text, i) => text + (i % 2 ? '\r\n' : ': ')).join('');
      far.write(`${method} ${url} HTTP/1.1\r\n${fields}\r\n`);
      far.write(head);
      near.on('data', (data) => { bytes.there += data.length; far.write(data); }).on('end', () => far.end());
      far.on('data', (data) => { bytes.back += data.length; near.write(data); }).on('end', () => near.end());
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    page = await openEchoPage(browser, `http://127.0.0.1:${front.address().port}/`);
    await body(page, bytes);
  } finally {
    await page?.close();
    for (const socket of sockets) socket.destroy();
    front.closeAllConnections();
    front.close();
    child.kill('SIGKILL');
    await ended;
  }
}

export async function run(check, browser, echoServer) {
  for (const [options, extensions] of [
    [[], ''],
    [['--deflate'], 'permessage-deflate'],
    [['--deflate-keeps-client-context'], 'permessage-deflate'],
  ]) {
    await check(['echo_server', ...options].join(' '), () => withEchoServer(browser, echoServer, options, async (page, bytes) => {
      assert.equal(await page.evaluate(() => connect()), extensions);
      const isCompressed = extensions !== '';
      // With compression both shares are below the limit, and without it above 1.
      const costs = async (make, limit) => {
        const both = await cost(page, bytes, make);
        const about = `${make} took ${both} of its bytes`;
        for (const part of both) assert(isCompressed ? part < limit : part > 1, about);
      };
      await cost(page, bytes, '["", "short", make.zeros(0), make.zeros(3), "Grüße, 世界, 🦀"]');
      await costs('[make.text(1000)]', 0.5);
      await costs('Array(200).fill(make.text(20))', 0.2);
      await costs('[make.text(200_000), make.zeros(1 << 20), make.text(50_000)]', 0.3);
      await costs('[make.random(200_000)]', 1.01);
      // Context takeover keeps the whole window, in both directions.
      for (const limit of [0.85, 0.03, 0.03]) await costs('[window.same ??= make.noise(20_000)]', limit);
      await cost(page, bytes, 'Array.from({ length: 500 }, (_, n) => n % 2 ? make.text(n) : make.random(n))');
      assert.deepEqual(await page.evaluate(() => finish()), { code: 1000, wasClean: true });
    }));
  }

  await check('a message too large once decompressed ends with 1009', () => withEchoServer(browser, echoServer, ['--deflate'], async (page) => {
    await page.evaluate(() => connect());
    const code = await page.evaluate(() => new Promise((resolve) => {
      socket.onclose = (event) => resolve(event.code);
      socket.send(make.zeros(33 << 20));
    }));
    assert.equal(code, 1009);
  }));
}
