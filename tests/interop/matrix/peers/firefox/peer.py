"""peer.py version | peer.py client [--deflate] URL...: a page in headless Firefox, with the API of browsers.

Firefox always offers compression, so a plain connection is one that the server does not compress.
"""
import http.server, json, os, subprocess, sys, tempfile, threading

PAGE = '''<!doctype html><meta charset="utf-8"><script>
const visit = url => new Promise(resolve => {
  const socket = url.endsWith('/subprotocol') ? new WebSocket(url, ['other', 'matrix']) : new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) =>
    data === '!close' ? socket.close(4001, 'bye from the peer') : socket.send(data);
  socket.onclose = resolve;
});
(async () => {
  for (const url of URLS) await visit(url);
  await fetch('/done');
})();
</script>'''
PREFERENCES = {
    'browser.shell.checkDefaultBrowser': False,
    'datareporting.policy.dataSubmissionEnabled': False,
    'toolkit.telemetry.reportingpolicy.firstRun': False,
    'app.normandy.enabled': False,
    'app.update.enabled': False,
    'browser.safebrowsing.downloads.remote.enabled': False,
    'network.captive-portal-service.enabled': False,
    'network.connectivity-service.enabled': False,
    'network.dns.disablePrefetch': True,
    'network.proxy.type': 0,
    'services.settings.server': 'http://127.0.0.1:9',
    # The browser waits longer and longer between two connections to the same host, after one that failed.
    'network.websocket.delay-failed-reconnects': False,
}


def client(urls):
    done = threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.end_headers()
            if self.path == '/done':
                done.set()
            elif self.path == '/':
                self.wfile.write(PAGE.replace('URLS', json.dumps(urls)).encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        with open(os.path.join(profile, 'user.js'), 'w') as file:
            for name, value in PREFERENCES.items():
                file.write(f'user_pref({json.dumps(name)}, {json.dumps(value)});\n')
        browser = subprocess.Popen(
            ['firefox-esr', '--headless', '--no-remote', '--profile', profile, f'http://127.0.0.1:{server.server_port}/'],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, HOME=profile, MOZ_CRASHREPORTER_DISABLE='1'))
        done.wait(240)
        browser.terminate()
        browser.wait()


if sys.argv[1] == 'version':
    print(subprocess.run(['firefox-esr', '--version'], capture_output=True, text=True, check=True).stdout.strip())
else:
    client([url for url in sys.argv[2:] if url != '--deflate'])
