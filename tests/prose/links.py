#!/usr/bin/env python3
"""links.py   checks each link in the Markdown files of the repository that leads into the repository: the file
exists, and so does the heading that the link names. It fetches nothing, so other addresses are not checked.
The exit status is 1 if a link leads nowhere."""
import pathlib, re, subprocess, sys
from urllib.parse import unquote

# A link or an image, a definition of a reference, and a use of one.
INLINE = re.compile(r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)')
DEFINITION = re.compile(r'^ {0,3}\[([^\]]+)\]:\s*(\S+)', re.M)
REFERENCE = re.compile(r'\[[^\]\[]+\]\[([^\]\[]+)\]')
# An address with a scheme, such as `https:`.
ABSOLUTE = re.compile(r'[a-zA-Z][a-zA-Z0-9+.-]*:')


def prose(text):
    """The text without code. Each line keeps its number."""
    blank = lambda match: re.sub(r'[^\n]', ' ', match[0])
    text = re.sub(r'(?ms)^ {0,3}(`{3,}|~{3,}).*?(^ {0,3}\1|\Z)', blank, text)
    return re.sub(r'(`+)(?!`)(?:[^`]|(?!\1)`)*?\1(?!`)', blank, text)


def anchors(text):
    """The names of the headings, as GitHub makes them: lower case, without punctuation, with hyphens for spaces."""
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    fences = re.sub(r'(?ms)^ {0,3}(`{3,}|~{3,}).*?(^ {0,3}\1|\Z)', '', text)
    for heading in re.findall(r'(?m)^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$', fences):
        heading = re.sub(r'!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?', r'\1', heading)
        name = re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
        number = 0
        while (name if number == 0 else f'{name}-{number}') in found:
            number += 1
        found.add(name if number == 0 else f'{name}-{number}')
    return found


def check(path, files, read):
    """The problems of one file. `files` are the paths of the repository, and `read` reads one of them."""
    text = prose(read(path))
    defined = {name.lower() for name, _ in DEFINITION.findall(text)}
    # (position, address), or a reference without an address.
    links = [(match.start(), match[1]) for match in INLINE.finditer(text)]
    links += [(match.start(), match[2]) for match in DEFINITION.finditer(text)]
    links += [(match.start(), None) for match in REFERENCE.finditer(text) if match[1].lower() not in defined]
    folders = {str(parent) for file in files for parent in pathlib.PurePosixPath(file).parents}
    problems = []
    for position, address in sorted(links, key=lambda link: link[0]):
        line = text.count('\n', 0, position) + 1
        if address is None:
            problems.append(f'{path}:{line}: a reference has no definition')
            continue
        if ABSOLUTE.match(address):
            continue
        target, _, anchor = address.partition('#')
        target = unquote(target)
        parts = [] if target.startswith('/') else path.split('/')[:-1]
        for part in target.split('/'):
            if part == '..' and parts:
                parts.pop()
            elif part not in ('', '.'):
                parts.append(part)
        found = '/'.join(parts) or '.'
        if not target:
            found = path
        if found not in files and found not in folders:
            problems.append(f'{path}:{line}: there is no {found}')
        elif anchor and re.fullmatch(r'L\d+', anchor) and found in files:
            if int(anchor[1:]) > read(found).count('\n'):
                problems.append(f'{path}:{line}: {found} has no line {anchor[1:]}')
        elif anchor and found.endswith('.md') and unquote(anchor) not in anchors(read(found)):
            problems.append(f'{path}:{line}: {found} has no heading #{anchor}')
    return problems


def test():
    """The check itself: links that it has to accept, and links that it has to reject."""
    files = {
        'a.md': '# One `two`\n## One two\n[x](b/c.md#x-y) [x](#one-two-1) ![x](b/d.svg "t") [x][y] [b](b)\n'
                '[h](https://h/)\n```\n[x](nowhere)\n```\n`[x](nowhere)`\n[y]: b/c.md\n[l](b/c.md#L2)\n',
        'b/c.md': 'X, y\n# X, y\n[up](../a.md)\n',
        'b/d.svg': '',
    }
    assert check('a.md', files, files.get) == [], check('a.md', files, files.get)
    assert check('b/c.md', files, files.get) == []
    wrongs = [
        ('[x](e.md)', 'there is no b/e.md'),
        ('[x](../a.md#no)', 'a.md has no heading #no'),
        ('[x][z]', 'a reference has no definition'),
        ('[z]: e', 'there is no b/e'),
        ('![x](../d.svg)', 'there is no d.svg'),
        ('[x](c.md#L9)', 'b/c.md has no line 9'),
    ]
    for wrong, problem in wrongs:
        found = check('b/c.md', files, {**files, 'b/c.md': '\n' + wrong}.get)
        assert found == [f'b/c.md:2: {problem}'], found


def main():
    test()
    listing = subprocess.run(['git', 'ls-files'], check=True, capture_output=True, text=True).stdout
    files = set(listing.splitlines())
    read = lambda path: pathlib.Path(path).read_text(encoding='utf-8')
    documents = sorted(file for file in files if file.endswith('.md'))
    problems = [problem for path in documents for problem in check(path, files, read)]
    for problem in problems:
        print(f'FAILED {problem}')
    if not problems:
        print(f'ok     links: {len(documents)} files')
    return 1 if problems else 0


sys.exit(main())
