"""Records what ansible-core makes of the configurations in cases.json:

    python record.py BIN > recorded.json

BIN is the folder of ansible-config.
"""
import json
import os
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
answers = []
for case in json.load(open(os.path.join(here, 'cases.json'))):
    folder = os.path.realpath(tempfile.mkdtemp())
    os.makedirs(folder + '/home')
    os.makedirs(folder + '/sub')
    if 'cfg' in case:
        with open(os.path.join(folder, case.get('file', 'ansible.cfg')), 'w') as f:
            f.write(case['cfg'])
    if 'mode' in case:
        os.chmod(folder, case['mode'])
    env = {'HOME': folder + '/home', 'PATH': os.environ['PATH'], 'LANG': 'C.UTF-8'}
    env.update(case.get('env', {}))
    p = subprocess.run([os.path.join(sys.argv[1], 'ansible-config'), 'dump', '-t', 'base', '-f', 'json'],
                       cwd=folder, env=env, capture_output=True, text=True)
    out = p.stdout.replace(folder, 'DIR')
    answer = {'name': case['name'], 'code': p.returncode}
    if p.returncode == 0:
        values = {}
        for s in json.loads(out):
            if s.get('origin') not in ('default', None, '') and s['name'] != 'CONFIG_FILE':
                values[s['name']] = {'value': s['value'], 'origin': s['origin']}
            elif case['name'] == 'nothing' and 'name' in s:
                values[s['name']] = {'value': s['value'], 'origin': 'default'}
        answer['values'] = values
    answer['said'] = p.stderr.replace(folder, 'DIR').splitlines()[:3]
    answers.append(answer)
json.dump(answers, sys.stdout, indent=1, sort_keys=True)
print()
