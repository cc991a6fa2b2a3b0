"""The test certificates, in the files that the proxies want."""
import os, subprocess

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'certificates')


def make_certificates(directory):
    """Makes `ca.pem`, `server.pem` with `server.key`, and `haproxy-server.pem`, which holds both of these."""
    subprocess.run([SCRIPT, directory], check=True, stdin=subprocess.DEVNULL)
    with open(directory + '/haproxy-server.pem', 'w') as both:
        for name in ('server.pem', 'server.key'):
            with open(f'{directory}/{name}') as part:
                both.write(part.read())
