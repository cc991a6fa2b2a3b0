// A page that exchanges messages with an echo server.

// A page at this address, with functions to make messages and to send them.
export async function openEchoPage(browser, url) {
  const page = await browser.newPage();
  await page.goto(url);
  await page.evaluate(() => {
    // Words in random order, and text that a compressor makes much shorter only if it has seen it before.
    const words = ['compression', 'window', 'Grüße', '世界', '🦀', 'context', 'takeover', '{"id":', '},'];
    const pick = (from) => from[Math.floor(Math.random() * from.length)];
    const random = (length) => {
      const all = new Uint8Array(length);
      for (let at = 0; at < length; at += 65536) crypto.getRandomValues(all.subarray(at, at + 65536));
      return all;
    };
    window.make = {
      text: (length) => Array.from({ length }, () => pick(words)).join(' '),
      noise: (length) => Array.from({ length }, () => pick('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+')).join(''),
      zeros: (length) => new Uint8Array(length),
      random,
    };
    window.connect = (path = '') => new Promise((resolve, reject) => {
      window.socket = new WebSocket(location.href.replace('http', 'ws') + path);
      socket.binaryType = 'arraybuffer';
      socket.onopen = () => resolve(socket.extensions);
      socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
    });
    // Sends all messages and waits for their echoes. Returns the sum of their lengths in bytes, as UTF-8.
    window.echo = (messages) => new Promise((resolve, reject) => {
      const asBytes = (message) => typeof message === 'string' ? new TextEncoder().encode(message) : new Uint8Array(message);
      const waiting = [...messages];
      socket.onclose = (event) => reject(new Error(`closed with ${event.code}`));
      socket.onmessage = ({ data }) => {
        const sent = waiting.shift();
        const [a, b] = [asBytes(sent), asBytes(data)];
        if (typeof sent === 'string' ? sent !== data : a.length !== b.length || a.some((byte, i) => byte !== b[i])) {
          reject(new Error(`${a.length} bytes came back as ${b.length} others`));
        } else if (!waiting.length) {
          resolve(messages.reduce((sum, message) => sum + asBytes(message).length, 0));
        }
      };
      for (const message of messages) socket.send(message);
    });
    window.finish = () => new Promise((resolve) => {
      socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean });
      socket.close(1000, 'done');
    });
  });
  return page;
}

// The bytes on the wire for these messages and for their echoes, as shares of the uncompressed length:
// `[there, back]`. `make` runs in the page.
export async function cost(page, bytes, make) {
  const before = { ...bytes };
  const sent = await page.evaluate((source) => echo(new Function('make', `return ${source}`)(make)), make);
  return [(bytes.there - before.there) / sent, (bytes.back - before.back) / sent];
}
