"""The page of the example `chat` in Chromium, behind each proxy."""
import re, tempfile

import proxies
from browser import chromium
from harness import equal

# The request for a WebSocket in the log of the proxy, which has it as soon as the WebSocket has ended. Behind
# haproxy it is a stream of the connection of HTTP/2 that has brought the page.
REQUEST = {
    proxies.Nginx: r'"GET /chat HTTP/1\.1" 101 ',
    proxies.Haproxy: r' 101 .*"GET https://localhost:\d+/chat HTTP/2\.0"',
}


async def enter(browser, proxy, name):
    page = await browser.open(f'https://localhost:{proxy.tls}/')
    # The page connects once it has a name.
    await page.shows('Not connected', id='state')
    await page.submit('name', name)
    await page.shows('You joined as ' + name)
    await page.shows('Connected', id='state')
    return page


async def says(speaker, listener, text):
    await speaker.submit('text', text)
    await listener.shows(text)


async def talks(browser, proxy):
    """Page and WebSocket come through the proxy, and both survive a reload and a restart of it."""
    ann, bob = [await enter(browser, proxy, name) for name in ('Ann', 'Bob')]
    for page in (ann, bob):
        equal(await page.run('performance.getEntriesByType("navigation")[0].nextHopProtocol'), 'h2')
        equal((await page.run('socket.extensions')).split(';')[0], 'permessage-deflate')
    await says(ann, bob, 'Hello, Bob!')
    await says(bob, ann, ' '.join(['Grüß dich, Ann!'] * 50))

    guest = await enter(browser, proxy, 'Guest')
    await guest.go('about:blank')
    await ann.shows('Guest left')
    await proxies.until(lambda: re.search(REQUEST[type(proxy)], proxy.log()))

    await proxy.reload()
    equal(await ann.run('socket.readyState'), 1)
    await says(ann, bob, 'That was a reload.')

    await proxy.stop()
    for page in (ann, bob):
        await page.shows('Reconnecting', id='state')
    await proxy.start()
    for page, name in ((ann, 'Ann'), (bob, 'Bob')):
        await page.shows('You are back as ' + name)
    await says(bob, ann, 'That was a restart.')


async def run(checks, files, chat):
    server = await proxies.Server.start(chat)
    try:
        for kind in (proxies.Nginx, proxies.Haproxy):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
                async with kind(files, server.port) as proxy, chromium(profile) as browser:
                    await checks.run(f'{kind.name}, Chromium: chat, reload and restart',
                                     talks, browser, proxy)
        await checks.run('Chromium: the server frees closed connections', lambda: proxies.until(
            lambda: server.connections() == 0))
    finally:
        await server.stop()
