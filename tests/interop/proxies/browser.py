"""Headless Chromium, driven over its DevTools protocol, which is JSON over a WebSocket."""
import asyncio, json, os, re
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect

import proxies
from harness import Program


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    async def run(self, script):
        """The value of the script, or of the promise that it returns."""
        answer = await self.browser.call('Runtime.evaluate', self.session, expression=script,
                                         awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise AssertionError(answer['exceptionDetails'])
        return answer['result'].get('value')

    async def go(self, url):
        await self.browser.call('Page.navigate', self.session, url=url)

    async def shows(self, text, id='log'):
        """Waits until the element contains the text."""
        await self.run(f'''new Promise((resolve) => {{
            const look = () => {{
                const shown = document.getElementById({json.dumps(id)})?.innerText ?? '';
                if (shown.includes({json.dumps(text)})) resolve(); else setTimeout(look, 20);
            }};
            look();
        }})''')

    async def submit(self, id, text):
        """Types the text into the field, and sends the form that the field belongs to."""
        await self.run(f'''{{
            const field = document.getElementById({json.dumps(id)});
            field.value = {json.dumps(text)};
            field.form.requestSubmit();
        }}''')


class Browser:
    def __init__(self, devtools):
        self.devtools, self.calls = devtools, {}

    async def answers(self):
        async for message in self.devtools:
            answer = json.loads(message)
            if (call := self.calls.pop(answer.get('id'), None)) is not None:
                call.set_result(answer)

    async def call(self, method, session=None, **parameters):
        number = max(self.calls, default=0) + 1
        self.calls[number] = asyncio.get_running_loop().create_future()
        call = {'id': number, 'method': method, 'params': parameters}
        await self.devtools.send(json.dumps(call | ({'sessionId': session} if session else {})))
        answer = await self.calls[number]
        if 'error' in answer:
            raise AssertionError(f'{method}: {answer["error"]}')
        return answer['result']

    async def open(self, url):
        target = (await self.call('Target.createTarget', url='about:blank'))['targetId']
        session = (await self.call('Target.attachToTarget', targetId=target, flatten=True))['sessionId']
        page = Page(self, session)
        await page.go(url)
        # The scripts of the page have run once it is loaded.
        await page.run('''new Promise((resolve) => {
            if (document.readyState === 'complete') resolve(); else addEventListener('load', () => resolve());
        })''')
        return page


@asynccontextmanager
async def chromium(directory):
    """A browser with a profile of its own, which trusts every certificate."""
    program = await Program.start(
        'chromium', '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-sync',
        '--disable-background-networking', '--disable-component-update', '--ignore-certificate-errors',
        # Several pages are at work, and only one of them is in front.
        '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
        '--disable-backgrounding-occluded-windows',
        '--remote-debugging-port=0', f'--user-data-dir={directory}', 'about:blank',
        env={**os.environ, 'HOME': directory})
    try:
        found = await proxies.until(lambda: program.process.returncode is not None or
                                    re.search(rb'DevTools listening on (ws://\S+)', program.stderr))
        if found is True:
            raise AssertionError('Chromium ended: ' + program.said())
        async with connect(found[1].decode(), max_size=None, proxy=None, compression=None) as devtools:
            browser = Browser(devtools)
            task = asyncio.create_task(browser.answers())
            yield browser
            task.cancel()
    finally:
        await program.stop()
