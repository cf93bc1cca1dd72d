#!/usr/bin/env python3
"""Compares the results of `inkstone bench all` with the baseline for this type of machine (bench/baselines/).

  python3 bench/baseline.py INKSTONE            compare
  python3 bench/baseline.py INKSTONE --write    compare, and save the results as the new baseline

Compares shares of the ceilings measured in the same run, because absolute times drift. Needs only the standard library."""
import argparse
import json
import os
import re
import subprocess
import sys


def processor():
    for line in open('/proc/cpuinfo'):
        if line.startswith('model name'):
            return line.split(':', 1)[1].strip()
    return 'unknown'


def family():
    fields = {}
    for line in open('/proc/cpuinfo'):
        name, _, value = line.partition(':')
        fields.setdefault(name.strip(), value.strip())
    return f"{fields.get('cpu family', '?')}-{fields.get('model', '?')}"


def shares(figures):
    return {(s['work'], s['shape'], s['figure']): s['share'] for s in figures['shapes']}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('inkstone')
    parser.add_argument('--write', action='store_true')
    args = parser.parse_args()
    done = subprocess.run([args.inkstone, 'bench', 'all', '--repeats', '3', '--json', '-q'], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    now = json.loads(done.stdout)
    now['processor'] = processor()
    kind = re.sub(r'[^a-z0-9]+', '-', f"{processor()} {family()} {now['isa']} {now['threads']} threads".lower()).strip('-')
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'baselines', kind + '.json')
    before = shares(json.load(open(path))) if os.path.exists(path) else {}
    print(f'{kind}: ' + ('compared with its baseline' if before else 'no baseline yet: save one with --write'))
    for key, share in shares(now).items():
        was = before.get(key)
        comparison = f'{100 * was:5.1f} % before, ratio {share / was:.2f}' if was else ''
        print(f'{key[0]:9s} {key[1]:22s} {key[2]:26s} {100 * share:5.1f} %   {comparison}')
    if args.write:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as out:
            json.dump(now, out, indent=1)
            out.write('\n')
        print(f'written to {path}')


if __name__ == '__main__':
    main()
