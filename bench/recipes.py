#!/usr/bin/env python3
"""Compares two versions of inkstone on the first updates of each recipe, run alternately: speed and loss.

  python3 bench/recipes.py OLD NEW [--updates 40] [--rounds 2] [RECIPE.yaml ...]

Run it from the root of the repository. Recipes without data (recipes/NAME/get.sh) or that a version refuses are reported and skipped.
The time is the median per update, without the first one and without evaluation. Needs only the standard library."""
import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

# The task and the files of each recipe, as in its run.sh; {data} is recipes/NAME/data.
MATERIAL = {
    'tinyshakespeare-nanogpt': ('write', ['{data}/input.txt']),
    'tang-poems': ('write', ['{data}/tang.train.txt']),
    'multi30k-en-de': ('translate', ['{data}/train.en', '{data}/train.de']),
    'tatoeba-en-zh': ('translate', ['{data}/train.tsv']),
    'tatoeba-zh-en': ('translate', ['{data}/train.tsv']),
    'debian-de': ('translate', ['{data}/train.tsv']),
    'debian-synopsis': ('summarize', ['{data}/train.tsv']),
    'dialogsum': ('summarize', ['{data}/train.tsv']),
    'debian-section': ('classify', ['{data}/train.tsv']),
    'tang-author': ('classify', ['{data}/train.tsv']),
    'dailydialog-reply-en': ('reply', ['{data}/train.txt']),
    'dailydialog-reply-zh': ('reply', ['{data}/train.txt']),
}


def command(program, recipe, updates, model):
    name = os.path.basename(os.path.dirname(recipe))
    task, files = MATERIAL[name]
    files = [f.format(data=os.path.join('recipes', name, 'data')) for f in files]
    if not all(map(os.path.exists, files)):
        return None
    # The schedule spans only these updates; the warm-up must not be longer.
    return [program, 'train', task, *files, '--config', recipe, '-o', model, '--overwrite', '-q', '--steps', str(updates),
            '--warmup', str(updates // 4), '--eval-every', str(updates), '--average', '0', '--sample-tokens', '0']


def run(program, recipe, updates):
    """Milliseconds per update, and the losses; None if the recipe's data is missing; a message if training fails."""
    with tempfile.TemporaryDirectory() as directory:
        model = os.path.join(directory, 'model')
        line = command(program, recipe, updates, model)
        if not line:
            return None
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip().splitlines()[0] if done.stderr.strip() else 'failed'
        steps = [json.loads(line) for line in open(os.path.join(model, 'log.jsonl'))]
    steps = [s for s in steps if 'loss' in s and 'time' in s and 'valid_loss' not in s]
    times = [b['time'] - a['time'] for a, b in zip(steps, steps[1:]) if b['step'] == a['step'] + 1]
    return 1000 * statistics.median(times), {s['step']: s['loss'] for s in steps}


def compare(old, new, recipe, updates, rounds):
    times, losses = {old: [], new: []}, {}
    for _ in range(rounds):
        for program in (old, new):
            got = run(program, recipe, updates)
            if not isinstance(got, tuple):
                return got or 'its data is missing: run its get.sh'
            times[program].append(got[0])
            losses[program] = got[1]
    last = max(set(losses[old]) & set(losses[new]))
    apart = max(abs(losses[old][s] - losses[new][s]) for s in set(losses[old]) & set(losses[new]))
    return [min(times[old]), min(times[new]), min(times[old]) / min(times[new]), last, losses[old][last], losses[new][last], apart]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    parser.add_argument('old')
    parser.add_argument('new')
    parser.add_argument('recipes', nargs='*', metavar='RECIPE.yaml')
    parser.add_argument('--updates', type=int, default=40)
    parser.add_argument('--rounds', type=int, default=2)
    args = parser.parse_args()
    recipes = args.recipes or sorted(glob.glob('recipes/*/*.yaml'))
    print('| recipe | ms per update, old | new | factor | loss (after updates), old | new | largest difference |\n|---|---|---|---|---|---|---|')
    for recipe in recipes:
        row = compare(os.path.abspath(args.old), os.path.abspath(args.new), recipe, args.updates, args.rounds)
        name = re.sub(r'^recipes/|/recipe\.yaml$|\.yaml$', '', recipe)
        if isinstance(row, str):
            print(f'{name}: skipped: {row}', file=sys.stderr)
            continue
        was, now, factor, last, loss, new_loss, apart = row
        print(f'| {name} | {was:.0f} | {now:.0f} | **{factor:.2f}** | {loss:.4f} ({last}) | {new_loss:.4f} | {apart:.1e} |', flush=True)


if __name__ == '__main__':
    main()
