#!/usr/bin/env python3
"""public_api.py JSON LIBRARY: checks that this package calls every public function, so that the proof covers it.

JSON is rustdoc's description of the library, and LIBRARY is this package, compiled without optimisation, so that
each function that it calls is a symbol. The exit status is 1 if a public function is missing. Not demanded are `fmt`
functions, because they use `core::fmt`, and functions that the compiler derives."""
import json, re, subprocess, sys

# These have nothing to call: the trait's own methods are what callers use.
TRAITS_OF_TEXT = {'Debug', 'Display', 'Write', 'Format'}


def public_functions(index):
    """All functions, as (type or module, trait or nothing, name)."""
    for item in index.values():
        if item['crate_id'] != 0:
            continue
        for member in item['inner'].get('module', {}).get('items', []):
            member = index.get(str(member))
            if member and 'function' in member['inner']:
                yield item['name'], '', member['name']
        if 'impl' in item['inner']:
            block = item['inner']['impl']
            if block['is_synthetic'] or block['blanket_impl'] or 'automatically_derived' in json.dumps(item['attrs']):
                continue
            trait = block['trait'] and block['trait']['path'].split('::')[-1]
            if trait in TRAITS_OF_TEXT:
                continue
            own = block['for'].get('resolved_path', {}).get('path') or block['for'].get('primitive', '')
            for member in block['items']:
                member = index.get(str(member))
                if member and 'function' in member['inner']:
                    yield own.split('::')[-1], trait or '', member['name']


def main(description, library):
    with open(description, encoding='utf-8') as file:
        functions = sorted(set(public_functions(json.load(file)['index'])))
    if len(functions) < 200:
        sys.exit(f'rustdoc lists only {len(functions)} functions')
    called = set()
    output = subprocess.run(['llvm-nm', '-C', library], check=True, capture_output=True, text=True).stdout
    for line in output.splitlines():
        # `<sansws::connection::Connection<_, _>>::receive`, or `<sansws::Uri as core::convert::TryFrom<_>>::try_from`
        name = re.sub(r'^[0-9a-f]* *[A-Za-z] ', '', line)
        own, trait = r'(?:&(?:mut )?)?(?:[\w:]+::)?(\w+)(?:<.*>)?', r'(?:[\w:]+::)?(\w+)(?:<.*>)?'
        if found := re.match(f'<{own} as {trait}>::(\\w+)', name):
            called.add(found.groups())
        elif found := re.match(r'<(?:[\w:]+::)?(\w+)(?:<.*>)?>::(\w+)', name):
            called.add((found[1], '', found[2]))
        elif found := re.match(r'sansws::(?:\w+::)*(\w+)::(\w+)$', name):
            called.add((found[1], '', found[2]))
    missing = [function for function in functions if function not in called]
    for own, trait, name in missing:
        print(f'    {own}::{name}' + (f' of {trait}' if trait else ''))
    print(f'{len(functions)} public functions, {len(missing)} of them not called')
    return 1 if missing else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
