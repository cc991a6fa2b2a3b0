#!/usr/bin/env python3
"""minimal.py strip MANIFEST            removes what only tests need. Its versions would raise those of the dependencies.
minimal.py check LOCK MANIFEST...    checks that the lock file has the oldest version of each dependency that a manifest allows.
The exit status is 1 if it has a newer one."""
import re, sys, tomllib


def strip(manifest):
    with open(manifest, encoding='utf-8') as file:
        sections = re.split(r'(?m)^(?=\[)', file.read())
    kept = [part for part in sections if not re.match(r'\[dev-dependencies|\[\[(example|test|bench)\]\]', part)]
    text = re.sub(r'members = \[.*?\]', 'members = ["drivers/tokio"]', ''.join(kept), flags=re.S)
    with open(manifest, 'w', encoding='utf-8') as file:
        file.write(text)


def check(lock, manifests):
    with open(lock, 'rb') as file:
        packages = {(package['name'], package['version']) for package in tomllib.load(file)['package']}
    problems = 0
    for manifest in manifests:
        with open(manifest, 'rb') as file:
            dependencies = tomllib.load(file)['dependencies']
        for key, wanted in dependencies.items():
            wanted = wanted if isinstance(wanted, dict) else {'version': wanted}
            # The oldest version of a range such as `>=0.8, <0.10` comes first.
            name, version = wanted.get('package', key), wanted['version'].split(',')[0].lstrip('>=~^ ')
            oldest = '.'.join((version.split('.') + ['0', '0'])[:3])
            if (name, oldest) not in packages:
                found = [known for other, known in sorted(packages) if other == name]
                print(f'{manifest} allows {name} {oldest}, and {lock} has {found}; see --bless')
                problems += 1
    return 1 if problems else 0


match sys.argv[1:]:
    case ['strip', path]:
        strip(path)
    case ['check', path, *paths] if paths:
        sys.exit(check(path, paths))
    case _:
        sys.exit(__doc__)
