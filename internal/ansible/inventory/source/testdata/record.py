"""Records what ansible-core answers about the inventories in cases/:

    python record.py BIN [NAME...]

BIN is the folder of ansible-inventory. Each case is an archive of files, headed by lines
"sources: …", "limit: …" and "pattern: …". The answers go to cases/NAME.json.
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile

empty = tempfile.mkstemp(suffix='.cfg')[1]
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'cases')


def read(name):
    head, files, current = [], {}, None
    for line in open(os.path.join(here, name + '.txtar')):
        if line.startswith('-- ') and line.rstrip().endswith(' --'):
            current = line.strip()[3:-3]
            files[current] = ''
        elif current is None:
            head.append(line.strip())
        else:
            files[current] += line
    return head, files


def run(folder, *argv):
    env = dict(os.environ, ANSIBLE_NOCOLOR='1', ANSIBLE_DEPRECATION_WARNINGS='0', ANSIBLE_CONFIG=empty, COLUMNS='10000')
    env.pop('ANSIBLE_INVENTORY', None)
    p = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def clean(text):
        return text.replace(folder, 'DIR').replace(sys.argv[1], 'BIN')

    said = [clean(l) for l in p.stderr.splitlines() if re.match(r'\[(WARNING|ERROR)\]', l)]
    return {'out': clean(p.stdout), 'code': p.returncode, 'said': said}


def record(name):
    head, files = read(name)
    folder = os.path.realpath(tempfile.mkdtemp())
    for path, text in files.items():
        full = os.path.join(folder, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, 'w') as f:
            f.write(text)
        if text.startswith('#!'):
            os.chmod(full, 0o755)
    sources, limit, patterns = [], [], []
    for line in head:
        kind, _, rest = line.partition(': ')
        if kind == 'sources':
            for s in rest.split():
                sources += ['-i', s]
        elif kind == 'limit':
            limit = ['--limit', rest]
        elif kind == 'pattern':
            patterns.append(rest)
    inventory = [os.path.join(sys.argv[1], 'ansible-inventory')] + sources
    answers = {
        'list': run(folder, *inventory, '--list'),
        'export': run(folder, *inventory, '--list', '--export'),
        'yaml': run(folder, *inventory, '--list', '--yaml'),
        'graph': run(folder, *inventory, '--graph', '--vars'),
    }
    for p in patterns:
        answers['pattern ' + p] = run(folder, os.path.join(sys.argv[1], 'ansible'), *sources, *limit, '--list-hosts', '--', p)
    with open(os.path.join(here, name + '.json'), 'w') as f:
        json.dump(answers, f, indent=1, ensure_ascii=False)
        f.write('\n')


names = sys.argv[2:] or sorted(n[:-6] for n in os.listdir(here) if n.endswith('.txtar'))
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(record, names))
