#!/usr/bin/env python3
"""uncovered.py EXPORTS LIST [--open]: prints the regions that no test reaches, from the exports of llvm-cov in a folder.

LIST has a line for each: file, code, reason, with tabs between them. The code is the line on which the region begins, and
the region is between the marks `[[` and `]]`. So the list still fits if lines move. If several regions begin on a line, the
first one stands for all. A region of a generic function counts as reached if it was in one of its instances. The exit status
is 1 if a region is not in the list, or if a line of the list fits no region.

The reason `open` means that the region was not reviewed yet: a test may still have to be written. Such a line may fit no
region. With --open the regions that are not in the list are added with this reason, and open lines that fit none go."""
import json, os, sys

CODE = 0


def regions(folder):
    """The count of each region, as {(file, first line, first column, last line, last column): count}."""
    counts = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding='utf-8') as export:
            functions = [function for data in json.load(export)['data'] for function in data['functions']]
        for function in functions:
            for line, column, end_line, end_column, count, file, _, kind in function['regions']:
                if kind == CODE:
                    key = (function['filenames'][file], line, column, end_line, end_column)
                    counts[key] = max(counts.get(key, 0), count)
    return counts


def innermost(uncovered):
    """Without the regions inside of another one, and only the first one on a line."""
    kept = []
    for region in sorted(uncovered, key=lambda r: (r[0], r[1], r[2], -r[3], -r[4])):
        last = kept[-1] if kept else None
        is_inside = last and last[0] == region[0] and (region[3], region[4]) <= (last[3], last[4])
        if not is_inside and not (last and last[:2] == region[:2]):
            kept.append(region)
    return kept


def marked(region, lines):
    _, line, column, end_line, end_column = region
    text = lines[line - 1]
    end = end_column - 1 if end_line == line else len(text)
    return f'{text[:column - 1]}[[{text[column - 1:end]}]]{text[end:]}'.strip()


def main(exports, listing, adds_open):
    root = os.getcwd() + '/'
    counts = {key: count for key, count in regions(exports).items()
              if key[0].startswith(root + 'src/') and '/../' not in key[0]}
    if len(counts) < 2000:
        sys.exit(f'there are only {len(counts)} regions of src/')
    listed = {}
    with open(listing, encoding='utf-8') as rows:
        for number, row in enumerate(rows, 1):
            if row.strip() and not row.startswith('#'):
                columns = row.rstrip('\n').split('\t')
                if len(columns) != 3 or not columns[2]:
                    sys.exit(f'{listing}:{number}: a line has a file, the code, and a reason')
                listed[tuple(columns[:2])] = (number, columns[2])
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
            unlisted.append((key, region[1]))
    is_open = [key for key, (_, reason) in listed.items() if reason == 'open']
    if adds_open:
        rows = [row for row in open(listing, encoding='utf-8')
                if tuple(row.split('\t')[:2]) not in set(is_open) - used]
        rows += ['\t'.join(key) + '\topen\n' for key in dict.fromkeys(key for key, _ in unlisted)]
        open(listing, 'w', encoding='utf-8').writelines(rows)
        return 0
    for (file, code), line in unlisted:
        print(f'not reached: {file}:{line}\t{code}')
    unused = set(listed) - used - set(is_open)
    for key in sorted(unused):
        print(f'{listing}:{listed[key][0]}: this region is reached, or there is none: {key[0]}\t{key[1]}')
    reached = sum(count > 0 for count in counts.values())
    print(f'{reached} of {len(counts)} regions are reached. {places} lines have others: {len(unlisted)} are not listed, '
          f'{len(used & set(is_open))} are open')
    return 1 if unlisted or unused else 0


match sys.argv[1:]:
    case [exports, listing]:
        sys.exit(main(exports, listing, False))
    case [exports, listing, '--open']:
        sys.exit(main(exports, listing, True))
    case _:
        sys.exit(__doc__)
