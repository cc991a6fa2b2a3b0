#!/usr/bin/env python3
"""panics.py IMAGE: prints each place in an ELF image that leads to a panic, with the functions inlined there.

The exit status is 1 if there is such a place, and 0 if there is none. The script looks for the functions with
which `core` panics. The linker has removed unreachable code, so each of them that is in the image can be
reached. Traps count too, because the compiler turns some panics into a trap."""
import re, subprocess, sys

PANIC = re.compile(
    r'core::panicking::|rust_begin_unwind|panic_fmt|panic_bounds_check|slice_(index|start_index|end_index)_|'
    r'len_mismatch_fail|(unwrap|expect)_failed|slice_error_fail|cell::panic_')

# The start code of a program has a trap after the call of `main`, which does not return.
START = {'Reset', '_start', 'main', '__stext'}


def tool(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def plain(name):
    """The readable form of a mangled name, without the hash at its end."""
    name = re.sub(r'::h[0-9a-f]{16}$', '', name)
    for mark, text in (('$LT$', '<'), ('$GT$', '>'), ('$u20$', ' '), ('$RF$', '&'), ('$C$', ','), ('$u7b$', '{'),
                       ('$u7d$', '}'), ('$u5b$', '['), ('$u5d$', ']'), ('$u3b$', ';'), ('..', '::')):
        name = name.replace(mark, text)
    return name


def main(image):
    functions = {}
    for line in tool('llvm-nm', '-C', image).splitlines():
        parts = line.split(None, 2)
        if len(parts) == 3 and parts[1] in 'tTwW':
            functions[int(parts[0], 16) & ~1] = parts[2]
    panics = {address: name for address, name in functions.items() if PANIC.search(name)}
    if not functions:
        sys.exit('there are no symbols in ' + image)
    print(f'{len(functions)} functions, {len(panics)} of them panic')
    for name in sorted(set(panics.values())):
        print('   ', plain(name))

    # The disassembly shows the target of a branch as a number. It also shows a word of data that is the address
    # of a function.
    sites, current, label = [], None, None
    for line in tool('llvm-objdump', '-d', '--no-show-raw-insn', image).splitlines():
        if found := re.match(r'([0-9a-f]+) <(.*)>:', line):
            current, label = int(found[1], 16), found[2]
        elif (found := re.match(r'\s*([0-9a-f]+):\s+(trap|udf|ud2)\b', line)) and label not in START:
            sites.append((int(found[1], 16), None))
        elif found := re.match(r'\s*([0-9a-f]+):\s+(\S+)\s.*?(?:0x|[\s#])([0-9a-f]+)\s*<', line):
            target = int(found[3], 16)
            if target in panics and current not in panics:
                sites.append((int(found[1], 16), target))
    if sites:
        asked = [hex(site) for site, _ in sites]
        answers = tool('llvm-symbolizer', '--inlines', '-C', '-e', image, *asked).strip().split('\n\n')
        for (site, target), answer in zip(sites, answers):
            print(f'\n{site:#x} to {plain(panics[target]) if target else "a trap"}')
            lines = answer.splitlines()
            for name, place in zip(lines[::2], lines[1::2]):
                place = re.sub(r'.*/(registry/src/[^/]*|rust/library|rustc/[0-9a-f]*/library|no-panic/\.\./\.\.|sw-firmware)/', '', place)
                print(f'    {place:60} {plain(name)}')
    return 1 if panics or sites else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1]))
