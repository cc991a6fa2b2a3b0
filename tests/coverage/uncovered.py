#!/usr/bin/env python3
"""uncovered.py JSON LIST: prints the regions that no test reaches, from the export of llvm-cov.

LIST has a line for each: file, code, reason, with tabs between them. The code is the line on which the region begins, and
the region is between the marks `[[` and `]]`. So the list still fits if lines move. A region of several instances of a generic
function counts as reached if one of them was. The exit status is 1 if a region is not in the list, or if a line of the list fits
no region."""
import json, os, sys

CODE = 0


def regions(export):
    """The count of each region, as {(file, first line, first column, last line, last column): count}."""
    counts = {}
    for data in export['data']:
        for function in data['functions']:
            for line, column, end_line, end_column, count, file, _, kind in function['regions']:
                if kind == CODE:
                    key = (function['filenames'][file], line, column, end_line, end_column)
                    counts[key] = max(counts.get(key, 0), count)
    return counts


def innermost(uncovered):
    """Without the regions inside of another one: if a block is not reached, nothing in it is."""
    kept = []
    for region in sorted(uncovered, key=lambda r: (r[0], r[1], r[2], -r[3], -r[4])):
        last = kept[-1] if kept else None
        if not last or last[0] != region[0] or (region[3], region[4]) > (last[3], last[4]):
            kept.append(region)
    return kept


def marked(region, lines):
    _, line, column, end_line, end_column = region
    text = lines[line - 1]
    end = end_column - 1 if end_line == line else len(text)
    return f'{text[:column - 1]}[[{text[column - 1:end]}]]{text[end:]}'.strip()


def main(export, listing):
    root = os.getcwd() + '/'
    counts = {key: count for key, count in regions(json.load(open(export, encoding='utf-8'))).items()
              if key[0].startswith(root + 'src/')}
    if len(counts) < 2000:
        sys.exit(f'there are only {len(counts)} regions of src/')
    listed = {}
    with open(listing, encoding='utf-8') as rows:
        for number, row in enumerate(rows, 1):
            if row.strip() and not row.startswith('#'):
                columns = row.rstrip('\n').split('\t')
                if len(columns) != 3 or not columns[2]:
                    sys.exit(f'{listing}:{number}: a line has a file, the code, and a reason')
                listed[tuple(columns[:2])] = number
    sources, used, unlisted, places = {}, set(), [], 0
    for region in innermost(key for key, count in counts.items() if count == 0):
        path = region[0]
        if path not in sources:
            sources[path] = open(path, encoding='utf-8').read().split('\n')
        key = (path[len(root):], marked(region, sources[path]))
        places += 1
        if key in listed:
            used.add(key)
        else:
            unlisted.append(f'{key[0]}:{region[1]}\t{key[1]}')
    for place in unlisted:
        print(f'not reached: {place}')
    for key in sorted(set(listed) - used):
        print(f'{listing}:{listed[key]}: this region is reached, or there is none: {key[0]}\t{key[1]}')
    reached = sum(count > 0 for count in counts.values())
    print(f'{reached} of {len(counts)} regions are reached; {places} places are not, {places - len(unlisted)} of them with a reason')
    return 1 if unlisted or set(listed) - used else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(main(*sys.argv[1:]))
