// Checks with a name and a time limit, and the browser that they use.
import { createRequire } from 'node:module';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const LIMIT = 15_000;

export class Checks {
  passed = 0;
  failed = 0;

  run = async (name, body) => {
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('not done in time')), 2 * LIMIT); });
    try {
      await Promise.race([body(), late]);
      this.passed += 1;
      console.log('ok     ' + name);
    } catch (error) {
      this.fail(name, error);
    } finally {
      clearTimeout(timer);
    }
  };

  fail(name, error) {
    this.failed += 1;
    console.log(`FAILED ${name}: ${String(error.stack ?? error).slice(0, 1000)}`);
  }
}

// Runs `body` with a headless Chromium, with these arguments in addition.
export async function withBrowser(install, executablePath, args, body) {
  const { chromium } = createRequire(path.resolve(install, 'package.json'))('playwright-core');
  const profile = await mkdtemp(path.join(tmpdir(), 'sansws-chromium-'));
  let browser;
  try {
    browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      viewport: { width: 900, height: 640 },
      args: [
        '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
        '--disable-component-update', '--disable-sync', ...args,
      ],
    });
    await body(browser);
  } finally {
    await browser?.close();
    await rm(profile, { recursive: true, force: true });
  }
}
