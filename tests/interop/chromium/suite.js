// Two pages of the chat in one browser: they talk, one leaves, the server goes and comes back.
//
//   node suite.js CHAT CHROMIUM FOLDER_FOR_SCREENSHOTS
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [chat, executablePath, screenshots] = process.argv.slice(2);
// Nothing takes so long.
const TIMEOUT = 20_000;
let passed = 0, failed = 0;

async function check(name, test) {
  try {
    await test();
    passed += 1;
    console.log(`ok     ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED ${name}\n${error.stack}`);
  }
}

async function start(address) {
  const server = spawn(chat, [address], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(server.stdout), "line");
  return { server, url: /^listening on (http:\S+)$/.exec(line)[1] };
}

async function stop(server) {
  server.kill("SIGINT");
  const [code] = await once(server, "exit");
  return code;
}

async function enter(context, url, name) {
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT);
  page.on("pageerror", error => { failed += 1; console.log(`FAILED script: ${error}`); });
  await page.goto(url);
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Join" }).click();
  await hasText(page.locator("#who li.me"), name);
  return page;
}

const say = async (page, text) => {
  await page.getByLabel("Your message").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
};

const hasText = (locator, text) => locator.filter({ hasText: text }).first().waitFor({ timeout: TIMEOUT });

const names = async page => (await page.locator("#who li").allTextContents()).join(" ");

const profile = mkdtempSync(join(tmpdir(), "chat-"));
let { server, url } = await start("127.0.0.1:0");
const options = {
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
};
const context = await chromium.launchPersistentContext(profile, { ...options, viewport: { width: 1000, height: 760 } });
try {
  const ada = await enter(context, url, "Ada");
  // A window of its own keeps a name of its own.
  const bob = await enter(context, url, "Bob");

  await check("both see who is there", async () => {
    await hasText(ada.locator("#who li"), "Bob");
    assert.equal(await names(ada), "Ada Bob");
    assert.equal(await names(bob), "Ada Bob");
    assert.equal(await ada.locator("#state").textContent(), "connected");
  });

  await check("messages go both ways", async () => {
    await say(ada, "Hello Bob, can you read this?");
    await hasText(bob.locator("#messages li"), "Hello Bob, can you read this?");
    await say(bob, "Every character of it: \u{e9} \u{20ac} \u{1f600}");
    await hasText(ada.locator("#messages li"), "Every character of it: \u{e9} \u{20ac} \u{1f600}");
    await hasText(ada.locator("#messages li.mine"), "Hello Bob");
    assert.equal(await ada.locator("#messages li.mine").count(), 1);
  });

  await check("markup is text", async () => {
    const text = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>";
    await say(bob, text);
    await hasText(ada.locator("#messages li"), text);
    assert.equal(await ada.locator("#messages img").count(), 0);
    assert.equal(await ada.title(), "sansws chat");
  });

  await say(ada, "It is. And this page comes from the same port as its WebSocket.");
  await hasText(bob.locator("#messages li"), "the same port");

  await check("the page looks as it should", async () => {
    for (const colorScheme of ["light", "dark"]) {
      await ada.emulateMedia({ colorScheme });
      const path = join(screenshots, `chat-${colorScheme}.png`);
      await ada.screenshot({ path });
      console.log(`       screenshot: ${path}`);
    }
    await ada.setViewportSize({ width: 390, height: 700 });
    await ada.screenshot({ path: join(screenshots, "chat-narrow.png") });
    const box = await ada.locator("#form").boundingBox();
    assert.ok(box.y + box.height <= 700, "the form is on the screen");
    await ada.setViewportSize({ width: 1000, height: 760 });
  });

  await check("who closes the page has left", async () => {
    await bob.close();
    await hasText(ada.locator("#messages li.note"), "Bob has left");
    assert.equal(await names(ada), "Ada");
  });

  await check("the page comes back with the server", async () => {
    assert.equal(await stop(server), 0);
    await hasText(ada.locator("#state"), "reconnecting in");
    ({ server } = await start(new URL(url).host));
    await hasText(ada.locator("#state"), "connected");
    await hasText(ada.locator("#who li.me"), "Ada");
    await say(ada, "Here again");
    await hasText(ada.locator("#messages li.mine"), "Here again");
  });
} catch (error) {
  failed += 1;
  console.log(`FAILED ${error.stack}`);
} finally {
  await context.close();
  await stop(server);
  rmSync(profile, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
