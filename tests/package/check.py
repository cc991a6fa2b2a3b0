#!/usr/bin/env python3
"""check.py manifests [--release]   checks what the manifests of the three packages say: they agree with each
                                 other, a registry accepts them, and the documentation names each feature.
check.py archives FILE...        checks what the archives contain, and that none is larger than its limit.
The exit status is 1 if there is a problem."""
import fnmatch, pathlib, re, sys, tarfile, tomllib

PACKAGES = {'sansws': '.', 'sansws-tokio': 'drivers/tokio', 'sansws-embassy': 'drivers/embassy'}
# What is the same in all packages.
COMMON = ('version', 'edition', 'license', 'repository', 'homepage', 'documentation')
PLACEHOLDER = '.invalid/'
# What an archive may contain. cargo itself adds the files of the last line.
FILES = ('src/*.rs', 'src/*.md', 'examples/*.rs', 'README.md', 'CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT',
         'Cargo.toml', 'Cargo.lock', 'Cargo.toml.orig', '.cargo_vcs_info.json')
NEEDED = ('src/lib.rs', 'README.md', 'LICENSE-APACHE', 'LICENSE-MIT')
# The largest archives, in bytes. A limit leaves room for some growth, and none for files that nobody meant to
# publish.
LIMITS = {'sansws': 280_000, 'sansws-tokio': 70_000, 'sansws-embassy': 43_000}


def load(folder):
    with open(f'{folder}/Cargo.toml', 'rb') as file:
        return tomllib.load(file)


def package_of(manifest, workspace):
    """The table `package`, with the values that it takes from the workspace."""
    return {key: workspace[key] if isinstance(value, dict) and value.get('workspace') else value
            for key, value in manifest['package'].items()}


def manifests(is_release):
    problems = []
    workspace = load('.')['workspace']['package']
    loaded = {name: load(folder) for name, folder in PACKAGES.items()}
    packages = {name: package_of(manifest, workspace) for name, manifest in loaded.items()}
    for key in COMMON:
        values = {package.get(key) for package in packages.values()}
        if len(values) != 1 or None in values:
            problems.append(f'`{key}` is not the same in all packages: {values}')
    addresses = {packages['sansws'][key] for key in ('repository', 'homepage', 'documentation')}
    if is_release and any(PLACEHOLDER in address for address in addresses):
        problems.append('Cargo.toml: the address of the repository is still the placeholder')
    version = packages['sansws']['version']
    changelog = pathlib.Path('CHANGELOG.md').read_text(encoding='utf-8')
    if is_release and not re.search(rf'(?m)^## {re.escape(version)} - \d{{4}}-\d\d-\d\d$', changelog):
        problems.append(f'CHANGELOG.md has no chapter `## {version} - YEAR-MONTH-DAY`')
    readme = pathlib.Path('README.md').read_text(encoding='utf-8')
    if is_release and 'not published yet' in readme:
        problems.append('README.md still says that the packages are not published')
    for name, manifest in loaded.items():
        folder, package = PACKAGES[name], packages[name]
        at = f'{folder}/Cargo.toml'
        for key in ('description', 'readme', 'rust-version', 'include', 'keywords', 'categories'):
            if not package.get(key):
                problems.append(f'{at} has no `{key}`')
        if len(package.get('keywords', [])) > 5 or len(package.get('categories', [])) > 5:
            problems.append(f'{at}: a registry takes at most five keywords and five categories')
        docs = package.get('metadata', {}).get('docs', {}).get('rs', {})
        if not docs.get('all-features') or docs.get('rustdoc-args') != ['--cfg', 'docsrs']:
            problems.append(f'{at}: the documentation has to be built with all features and `--cfg docsrs`')
        for dependency, wanted in manifest['dependencies'].items():
            if isinstance(wanted, dict) and 'path' in wanted:
                major_minor = '.'.join(version.split('.')[:2])
                if wanted.get('version', '') not in (version, major_minor):
                    problems.append(f'{at}: the version of {dependency} is not {version}')
        # The library lists its features in the README and in the documentation of the crate, a driver in the
        # README.
        documents = [f'{folder}/README.md'] + (['src/lib.rs'] if folder == '.' else [])
        for document in documents:
            text = pathlib.Path(document).read_text(encoding='utf-8')
            listed = set(re.findall(r'(?m)^(?:\| |//! - )`([a-z0-9-]+)`(?: \||:| \(default\):)', text))
            for feature in sorted(set(manifest['features']) - {'default'} - listed):
                problems.append(f'{document} does not list the feature `{feature}`')
    return problems


def archives(paths):
    problems = []
    seen = set()
    for path in map(pathlib.Path, paths):
        with tarfile.open(path) as archive:
            members = {member.name.split('/', 1)[1]: member for member in archive.getmembers()}
        name = re.sub(r'-\d.*', '', path.stem)
        seen.add(name)
        size = path.stat().st_size
        print(f'{path.name}: {len(members)} files, {size} bytes')
        if size > LIMITS[name]:
            problems.append(f'{path.name} has {size} bytes, and its limit is {LIMITS[name]}; see check.py')
        for file in sorted(members):
            if not any(fnmatch.fnmatchcase(file, pattern) for pattern in FILES):
                problems.append(f'{path.name} contains {file}')
            if not members[file].isfile():
                problems.append(f'{path.name}: {file} is no regular file')
        problems += [f'{path.name} does not contain {file}' for file in NEEDED if file not in members]
    problems += [f'there is no archive of {name}' for name in sorted(set(PACKAGES) - seen)]
    return problems


match sys.argv[1:]:
    case ['manifests']:
        found = manifests(False)
    case ['manifests', '--release']:
        found = manifests(True)
    case ['archives', *paths] if paths:
        found = archives(paths)
    case _:
        sys.exit(__doc__)
for problem in found:
    print(f'FAILED {problem}')
sys.exit(1 if found else 0)
