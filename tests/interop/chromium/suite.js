// suite.js CHAT INSTALL CHROMIUM: all checks; the last line is 'N passed, M failed'.
//
// CHAT is the example, INSTALL the directory that has `node_modules`, where the screenshots go as well.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const LIMIT = 15_000;

const [chat, install, executablePath] = process.argv.slice(2);
if (!executablePath) {
  console.error('usage: suite.js CHAT INSTALL CHROMIUM');
  process.exit(2);
}
const { chromium } = createRequire(path.resolve(install, 'package.json'))('playwright-core');
const screenshots = path.resolve(install, 'screenshots');

// ---- the server ----

let server;

async function startServer(address) {
  const child = spawn(chat, [address], { stdio: ['ignore', 'pipe', 'inherit'] });
  server = { child, ended: once(child, 'exit') };
  for await (const line of createInterface({ input: child.stdout })) {
    const found = /^listening on (http:\/\/(.*)\/)$/.exec(line);
    assert(found, line);
    return { url: found[1], address: found[2] };
  }
  throw new Error('the server ended');
}

async function interruptServer() {
  server.child.kill('SIGINT');
  const [status] = await server.ended;
  assert.equal(status, 0);
}

async function stopServer() {
  if (server && server.child.exitCode === null && server.child.signalCode === null) {
    server.child.kill('SIGKILL');
    await server.ended;
  }
}

// ---- a person at a page ----

const complaints = [];

class Person {
  static async open(context, url) {
    const person = new Person();
    person.page = await context.newPage();
    person.page.setDefaultTimeout(LIMIT);
    person.page.on('pageerror', (error) => complaints.push(String(error)));
    person.page.on('console', (message) => {
      // A refused connection is what the browser logs by itself while the server is away.
      if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED/.test(message.text())) complaints.push(message.text());
    });
    await person.page.goto(url);
    await person.stateIs('Connected');
    return person;
  }

  async join(name) {
    await this.page.getByLabel('What should the others call you?').fill(name);
    await this.page.getByRole('button', { name: 'Join' }).click();
    await this.sees('You joined as ');
    return this;
  }

  async say(text) {
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send' }).click();
  }

  sees(text) { return this.page.getByRole('log').getByText(text).first().waitFor(); }

  seesMessage(name, text) {
    const message = this.page.getByRole('article').filter({ has: this.page.getByText(text, { exact: true }) });
    return message.filter({ hasText: name }).first().waitFor();
  }

  stateIs(text) { return this.page.getByRole('status').getByText(text, { exact: true }).waitFor(); }

  // Waits until exactly these are there.
  async peopleAre(...names) {
    const shown = () => this.page.locator('#people bdi').allTextContents();
    const end = Date.now() + LIMIT;
    while (Date.now() < end) {
      if (JSON.stringify(await shown()) === JSON.stringify(names)) return;
      await this.page.evaluate(() => new Promise(requestAnimationFrame));
    }
    assert.deepEqual(await shown(), names);
  }

  async screenshot(name) {
    const file = path.join(screenshots, name + '.png');
    await this.page.screenshot({ path: file });
    console.log('       ' + file);
  }

  // In all four looks.
  async screenshots(name) {
    const wide = this.page.viewportSize();
    for (const colorScheme of ['light', 'dark']) {
      await this.page.emulateMedia({ colorScheme });
      for (const [width, size] of [['narrow', { width: 390, height: 700 }], ['wide', wide]]) {
        await this.page.setViewportSize(size);
        await this.screenshot(`${name}-${colorScheme}-${width}`);
        const overflows = await this.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(overflows, false, `${name} ${width} scrolls sideways`);
      }
    }
  }
}

// ---- the checks, in the order of one conversation ----

let passed = 0;
let failed = 0;

async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('not done in time')), 2 * LIMIT); });
  try {
    await Promise.race([body(), late]);
    passed += 1;
    console.log('ok     ' + name);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}: ${String(error.stack ?? error).slice(0, 1000)}`);
  } finally {
    clearTimeout(timer);
  }
}

const profile = await mkdtemp(path.join(tmpdir(), 'sansws-chromium-'));
await mkdir(screenshots, { recursive: true });
let browser;
try {
  browser = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    viewport: { width: 900, height: 640 },
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
  const { url, address } = await startServer('127.0.0.1:0');
  let ann, bob;

  await check('two people see each other', async () => {
    ann = await Person.open(browser, url);
    await ann.screenshots('join');
    await ann.join('Ann');
    await ann.peopleAre('Ann');
    bob = await (await Person.open(browser, url)).join('Bob');
    await ann.sees('Bob joined');
    await ann.peopleAre('Ann', 'Bob');
    await bob.peopleAre('Ann', 'Bob');
  });

  await check('messages go both ways', async () => {
    await ann.say('Hello, who is there?');
    await bob.seesMessage('Ann', 'Hello, who is there?');
    await bob.say('It is me, grüß dich!');
    await ann.seesMessage('Bob', 'It is me, grüß dich!');
    await bob.say('This page and its WebSocket come from one thread and one event loop.');
    await ann.seesMessage('You', 'Hello, who is there?');
  });

  await check('who takes a name that is there gets another', async () => {
    const other = await (await Person.open(browser, url)).join('Bob');
    await other.peopleAre('Ann', 'Bob', 'Bob 2');
    await other.page.close();
    await ann.sees('Bob 2 left');
    await bob.peopleAre('Ann', 'Bob');
  });

  await check('markup in a message or in a name is text', async () => {
    const attack = '<img src=x onerror="document.title=\'pwned\'"><script>document.title="pwned"</script><b>bold</b>';
    await bob.say(attack);
    await ann.seesMessage('Bob', attack);
    const other = await (await Person.open(browser, url)).join('<b>Eve</b>');
    await ann.peopleAre('Ann', 'bEveb', 'Bob');
    await other.page.close();
    await ann.peopleAre('Ann', 'Bob');
    for (const { page } of [ann, bob]) {
      assert.equal(await page.locator('#log img, #log script, #log b, #people b').count(), 0);
      assert.doesNotMatch(await page.title(), /pwned/);
    }
    await ann.say('Nice try.');
    await bob.seesMessage('Ann', 'Nice try.');
  });

  await check('scripts that were not served do not run', async () => {
    const ran = await ann.page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'window.injected = true';
      document.body.append(script);
      script.remove();
      return window.injected === true;
    });
    assert.equal(ran, false);
    assert.match(complaints.pop() ?? '', /Content Security Policy/);
  });

  await check('it fits, light and dark, wide and narrow', () => ann.screenshots('chat'));

  await check('after a restart of the server the pages come back by themselves', async () => {
    await interruptServer();
    for (const person of [ann, bob]) {
      await person.stateIs('Reconnecting');
      await person.sees('Disconnected: the server ends');
      await person.peopleAre();
    }
    await ann.page.getByText(/^in \d+ s$/).waitFor();
    await ann.screenshot('reconnecting');
    await startServer(address);
    for (const person of [ann, bob]) {
      await person.stateIs('Connected');
      await person.peopleAre('Ann', 'Bob');
    }
    await bob.say('We are back.');
    await ann.seesMessage('Bob', 'We are back.');
  });

  await check('who closes the page is seen to leave', async () => {
    await bob.page.close();
    await ann.sees('Bob left');
    await ann.peopleAre('Ann');
  });

  await check('the pages of other sites may not connect', async () => {
    const stranger = await browser.newPage();
    const code = await stranger.evaluate((to) => new Promise((resolve) => {
      const socket = new WebSocket(to);
      socket.onopen = () => resolve('open');
      socket.onclose = (event) => resolve(event.code);
    }), url.replace('http', 'ws') + 'chat');
    assert.equal(code, 1006);
  });

  await check('no page complained', async () => assert.deepEqual(complaints, []));

  await check('Ctrl-C ends the server', interruptServer);
} catch (error) {
  failed += 1;
  console.log(`FAILED ${error.stack}`);
} finally {
  await browser?.close();
  await stopServer();
  await rm(profile, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || !passed ? 1 : 0);
