// The page of the example `chat`, as two people would use it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { LIMIT } from './harness.js';

let chat, browser, screenshots;

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
      // The browser itself logs refused connections while the server does not run.
      if (message.type() === 'error' && !/ERR_CONNECTION_REFUSED/.test(message.text())) complaints.push(message.text());
    });
    await person.page.goto(url);
    // The page connects when it has a name.
    await person.stateIs('Not connected');
    return person;
  }

  async join(name) {
    await this.page.getByLabel('What should the others call you?').fill(name);
    await this.page.getByRole('button', { name: 'Join' }).click();
    await this.sees('You joined as ');
    await this.stateIs('Connected');
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

  // Waits until the page shows exactly these people.
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

  // Takes screenshots in light and dark, wide and narrow.
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

export async function run(check, context, program, directory) {
  [browser, chat, screenshots] = [context, program, directory];
  try {
    await converse(check);
  } finally {
    await stopServer();
  }
}

async function converse(check) {
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

  await check('a guest that asks for a name in use gets another one', async () => {
    const other = await (await Person.open(browser, url)).join('Bob');
    await other.peopleAre('Ann', 'Bob', 'Bob 2');
    await other.page.close();
    await ann.sees('Bob 2 left');
    await bob.peopleAre('Ann', 'Bob');
  });

  await check('the chat compresses, and only the guests take their context over', async () => {
    for (const { page } of [ann, bob]) {
      const extensions = await page.evaluate(() => socket.extensions);
      assert.equal(extensions, 'permessage-deflate; server_no_context_takeover; client_max_window_bits=10');
    }
    const numbers = Array.from({ length: 250 }, (_, n) => n).join('-');
    for (const text of ['x'.repeat(1000), 'Grüße, 世界! '.repeat(70).trim(), numbers, 'short']) {
      await ann.say(text);
      await bob.seesMessage('Ann', text);
      await bob.say(text);
      await ann.seesMessage('Bob', text);
    }
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

  await check('the page fits, light and dark, wide and narrow', () => ann.screenshots('chat'));

  await check('the pages connect again by themselves after a restart of the server', async () => {
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

  await check('a message stays pending while the server hangs, and arrives when it goes on', async () => {
    server.child.kill('SIGSTOP');
    await ann.say('Are you asleep?');
    await ann.sees('Not delivered yet');
    await ann.screenshot('pending');
    server.child.kill('SIGCONT');
    await bob.seesMessage('Ann', 'Are you asleep?');
    await ann.page.getByText('Not delivered yet').waitFor({ state: 'detached' });
  });

  await check('a message to a server that dies is sent again to the next server, once', async () => {
    server.child.kill('SIGSTOP');
    await ann.say('Did you get this?');
    await ann.sees('Not delivered yet');
    await stopServer();
    await ann.stateIs('Reconnecting');
    await startServer(address);
    await bob.seesMessage('Ann', 'Did you get this?');
    await ann.page.getByText('Not delivered yet').waitFor({ state: 'detached' });
    await ann.say('One more.');
    await bob.seesMessage('Ann', 'One more.');
    for (const { page } of [ann, bob]) {
      assert.equal(await page.getByText('Did you get this?', { exact: true }).count(), 1);
    }
  });

  await check('a guest that joins later gets the last messages', async () => {
    const late = await (await Person.open(browser, url)).join('Late');
    await late.seesMessage('Ann', 'One more.');
    assert.equal(await late.page.locator('#empty').isVisible(), false);
    await late.page.close();
    await ann.sees('Late left');
  });

  await check('two guests that wanted the same name keep their names after a restart', async () => {
    const other = await (await Person.open(browser, url)).join('Bob');
    await ann.peopleAre('Ann', 'Bob', 'Bob 2');
    await interruptServer();
    for (const person of [ann, bob, other]) await person.stateIs('Reconnecting');
    await startServer(address);
    for (const person of [ann, bob, other]) await person.peopleAre('Ann', 'Bob', 'Bob 2');
    assert.equal(await bob.page.evaluate(() => me), 'Bob');
    assert.equal(await other.page.evaluate(() => me), 'Bob 2');
    await other.page.close();
    await ann.sees('Bob 2 left');
  });

  await check('many people: sorted by number, with a count and a hint that the strip scrolls', async () => {
    const guests = [];
    for (const name of ['Bot 10', 'Bot 2', 'A name of 24 characters', 'Bot 1', 'Bot 3']) {
      guests.push(await (await Person.open(browser, url)).join(name));
    }
    await ann.peopleAre('A name of 24 characters', 'Ann', 'Bob', 'Bot 1', 'Bot 2', 'Bot 3', 'Bot 10');
    await ann.screenshots('people');
    const wide = ann.page.viewportSize();
    await ann.page.setViewportSize({ width: 390, height: 700 });
    assert(await ann.page.getByText('7 people here').isVisible());
    const strip = ann.page.locator('#people');
    await ann.page.waitForFunction(() => document.getElementById('people').className === 'more-right');
    await strip.evaluate((element) => { element.scrollLeft = element.scrollWidth; });
    await ann.page.waitForFunction(() => document.getElementById('people').className === 'more-left');
    await ann.page.setViewportSize(wide);
    for (const { page } of guests) await page.close();
    await ann.peopleAre('Ann', 'Bob');
  });

  await check('others see that a guest who closes the page has left', async () => {
    await bob.page.close();
    await ann.sees('Bob left');
    await ann.peopleAre('Ann');
  });

  await check('pages of other sites cannot connect', async () => {
    const stranger = await browser.newPage();
    const code = await stranger.evaluate((to) => new Promise((resolve) => {
      const socket = new WebSocket(to);
      socket.onopen = () => resolve('open');
      socket.onclose = (event) => resolve(event.code);
    }), url.replace('http', 'ws') + 'chat');
    assert.equal(code, 1006);
  });

  await check('no page has logged an error', async () => assert.deepEqual(complaints, []));

  await check('Ctrl-C ends the server', interruptServer);
}
