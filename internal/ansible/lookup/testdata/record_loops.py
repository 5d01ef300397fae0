"""Records what ansible-core makes of the loops of loops.yml.

    record_loops.py /path/to/venv > loops.jsonl

Each line has the loop's number (n) and its items (v), or the message of its failure (x). The
playbook lies in a copy of ../world/testdata/folder, whose path is BASE.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    venv = sys.argv[1]
    sys.path.insert(0, os.path.join(venv, 'lib', os.listdir(os.path.join(venv, 'lib'))[0], 'site-packages'))
    import yaml
    with open(os.path.join(HERE, 'loops.yml')) as f:
        cases = yaml.safe_load(f)
    base = tempfile.mkdtemp()
    shutil.copytree(os.path.join(HERE, '../world/testdata/folder'), base, dirs_exist_ok=True)
    tasks = []
    for n, case in enumerate(cases['loops']):
        tasks.append({'debug': {'msg': '{{ item }}'}, 'with_' + case['with']: case['terms'], 'register': 'r%d' % n, 'ignore_errors': True})
        tasks.append({'copy': {'dest': base + '/out%d' % n, 'content': '{{ r%d | to_json }}' % n}, 'ignore_errors': True})
    with open(base + '/play.yml', 'w') as f:
        f.write(yaml.safe_dump([{'hosts': 'localhost', 'gather_facts': False, 'connection': 'local', 'vars': cases['variables'], 'tasks': tasks}], sort_keys=False))
    env = dict(os.environ, HOME='/home/tester', ANSIBLE_HOME='/tmp', ANSIBLE_LOCAL_TEMP='/tmp', ANSIBLE_REMOTE_TEMP='/tmp', TZ='UTC')
    subprocess.run([os.path.join(venv, 'bin/ansible-playbook'), '-i', 'localhost,', '-e', 'ansible_python_interpreter=' + venv + '/bin/python', 'play.yml'], cwd=base, env=env, stdout=sys.stderr)
    for n in range(len(cases['loops'])):
        with open(base + '/out%d' % n) as f:
            r = json.load(f)
        answer = {'n': n}
        if 'results' in r:
            answer['v'] = [x['item'] for x in r['results']]
        elif r.get('skipped'):
            answer['v'] = []
        else:
            message = re.sub(r"(?:ansible\.[\w.]*)?_AnsibleLazyTemplate(\w+)", lambda m: m[1].lower(), r.get('msg'))
            answer['x'] = re.sub(r"(?:ansible\.[\w.]*)?_AnsibleTagged(\w+)", lambda m: m[1].lower(), message)
        print(json.dumps(answer, ensure_ascii=False).replace(base, 'BASE'))
    shutil.rmtree(base)


if __name__ == '__main__':
    main()
