#!/usr/bin/env python3
"""panics.py IMAGE [ALLOWED]: prints each place in an ELF image that leads to a panic, with the functions inlined there.

The script looks for the functions with which `core` and `alloc` panic. The linker has removed unreachable code, so
each of them that is in the image can be reached. Traps count too, because the compiler turns some panics into a trap.
The exit status is 1 if there is such a place.

With ALLOWED, a place may lead to a panic if a line of that file allows it. A function that consists only of code of
the standard library is then a panic itself, and the places that call it are examined instead. So each place belongs
to a function of this library or of another crate. A line of ALLOWED has three columns, with tabs between them: a part
of the name of that function; a part of the name of a function of the standard library through which it panics, or
nothing; and the reason why the panic cannot happen. The script prints `allowed` and the first two columns of each
line that the image needs. With ALLOWED, a function of the standard library does not count if it is called only
through a pointer, such as one in a table of a trait's methods: the panic handler of `std` prints with such functions."""
import re, subprocess, sys

PANIC = re.compile(
    r'core::panicking::|rust_begin_unwind|panic_fmt|panic_bounds_check|slice_(index|start_index|end_index)_|'
    r'len_mismatch_fail|(unwrap|expect)_failed|slice_error_fail|cell::panic_|handle_alloc_error|capacity_overflow')

# The start code of a program has a trap after the call of `main`, which does not return.
START = {'Reset', '_start', 'main', '__stext'}

# The standard library and the crates inside it, of which some functions have no debugging information.
LIBRARY = re.compile(r'^(core|alloc|std)/src/|^/rust/deps/|-cgu\.0:0:0$')


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plain(name):
    """The readable form of a mangled name, without the hash at its end."""
    name = re.sub(r'::h[0-9a-f]{16}$', '', name)
    for mark, text in (('$LT$', '<'), ('$GT$', '>'), ('$u20$', ' '), ('$RF$', '&'), ('$C$', ','), ('$u7b$', '{'),
                       ('$u7d$', '}'), ('$u5b$', '['), ('$u5d$', ']'), ('$u3b$', ';'), ('..', '::')):
        name = name.replace(mark, text)
    return name


def functions_of(image):
    """The names of the functions, by address."""
    with open(image, 'rb') as file:
        is_arm = file.read(20)[18] == 40
    functions = {}
    for line in tool('llvm-nm', '-C', image).splitlines():
        parts = line.split(None, 2)
        if len(parts) == 3 and parts[1] in 'tTwW':
            # An odd address marks a function of Thumb code. On other processors a function can begin there.
            functions[int(parts[0], 16) & (~1 if is_arm else ~0)] = plain(parts[2])
    return functions


def edges_of(image, functions):
    """The places that refer to another function, as (place, own function, other function), and the traps, with `None`
    as the other function."""
    # The disassembly shows the target of a branch as a number. It also shows a word of data that is the address of a
    # function.
    edges, current, label = [], None, None
    for line in tool('llvm-objdump', '-d', '--no-show-raw-insn', image).splitlines():
        if found := re.match(r'([0-9a-f]+) <(.*)>:', line):
            current, label = int(found[1], 16), found[2]
        elif (found := re.match(r'\s*([0-9a-f]+):\s+(trap|udf|ud2)\b', line)) and label not in START:
            edges.append((int(found[1], 16), current, None))
        elif found := re.match(r'\s*([0-9a-f]+):\s+(\S+)\s.*?(?:0x|[\s#])([0-9a-f]+)\s*<', line):
            target = int(found[3], 16)
            if target in functions and target != current:
                edges.append((int(found[1], 16), current, target))
    return edges


def frames_of(image, places):
    """For each place, the functions inlined there as (file and line, name), the innermost first."""
    if not places:
        return {}
    answers = tool('llvm-symbolizer', '--inlines', '-C', '-e', image, *map(hex, places)).strip().split('\n\n')
    frames = {}
    for place, answer in zip(places, answers):
        lines = answer.splitlines()
        frames[place] = [
            (re.sub(r'.*/(registry/src/[^/]*|rust/library|rustc/[0-9a-f]*/library|no-panic/\.\./\.\.)/', '', line),
             plain(name)) for name, line in zip(lines[::2], lines[1::2])]
    return frames


def main(image, allowed):
    functions = functions_of(image)
    if not functions:
        sys.exit('there are no symbols in ' + image)
    edges = edges_of(image, functions)
    panics = {address for address, name in functions.items() if PANIC.search(name)}
    print(f'{len(functions)} functions, {len(panics)} of them panic')
    names = {address: functions[address] for address in panics} | {None: 'a trap'}
    new, sites = panics | {None}, []
    while new:
        found = [edge for edge in edges if edge[2] in new and edge[1] not in panics]
        frames = frames_of(image, [place for place, _, _ in found])
        new = set()
        for place, current, target in found:
            if allowed is not None and all(LIBRARY.search(line) for line, _ in frames[place]):
                if current not in names:
                    names[current] = functions.get(current, '?')
                    new.add(current)
            else:
                sites.append((place, names[target], frames[place]))
    used, is_clean = set(), allowed is not None or not panics
    for place, target, frames in sites:
        own = [LIBRARY.search(line) is None for line, _ in frames].index(True) if allowed is not None else 0
        owner, through = frames[own][1], [target, *(name for _, name in frames[:own])]
        permit = next((line for line in allowed or []
                       if line[0] in owner and any(line[1] in name for name in through)), None)
        if permit:
            used.add(permit)
            continue
        is_clean = False
        print(f'\n{place:#x} to {target}')
        for line, name in frames:
            print(f'    {line:60} {name}')
    for line in sorted(used):
        print('allowed', *line[:2], sep='\t')
    return 0 if is_clean else 1


if len(sys.argv) not in (2, 3):
    sys.exit(__doc__)
permits = None
if len(sys.argv) == 3:
    with open(sys.argv[2], encoding='utf-8') as file:
        permits = [tuple(line.rstrip('\n').split('\t')) for line in file if line.strip() and line[0] != '#']
sys.exit(main(sys.argv[1], permits))
