"""Records what ansible-core makes of the expressions of expressions.txt.

Run by the Python that ansible-core 2.19.14 (with passlib and bcrypt) is installed for:

    TZ=UTC HOME=/home/tester PYTHONHASHSEED=0 python record.py < expressions.txt > recorded.jsonl

Each line of the answer has the expression (e) and either Python's repr of the value (v) or
the error's text (x). Names of classes that only say how ansible-core wraps Python's own types
are replaced by those of Python.
"""
import datetime
import json
import os
import re
import sys

os.environ.update(ANSIBLE_DEPRECATION_WARNINGS='0', ANSIBLE_SYSTEM_WARNINGS='0')

import ansible.plugins.loader as plugin_loader
from ansible._internal._errors import _error_factory
from ansible.module_utils._internal import _event_utils
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

VARIABLES = {
    'hosts': [{'name': 'web', 'port': 80, 'tags': ['a', 'b']}, {'name': 'db', 'port': 5432, 'tags': []}],
    'users': {'ann': {'uid': 1, 'keys': ['k1', 'k2']}, 'bob': {'uid': 2}},
    'result': {'changed': True, 'failed': False, 'results': []},
    'bad': {'failed': True, 'unreachable': True, 'skipped': True},
    'nested': {'a': {'b': {'c': [1, 2]}, 'l': [1, 2]}, 'x': 1},
    'text': 'line one\nline two\n',
    'yaml': "a: yes\nb: 0644\nc: 1:30\nd: 2020-01-01\ne: ~\nf: 1e3\ng: .inf\nh: 0o7\ni: 0x1F\nj: [1, {k: v}]\nk: |\n  x\n  y\nl: >\n  x\n  y\n",
    'documents': '---\na: 1\n---\n- b\n...\n---\n',
    'broken': 'a: 1\n b: 2\n',
    'twice': 'a: 1\na: 2\n',
    'anchors': 'a: &x [1, 2]\nb: *x\n',
    'paragraph': 'lorem ipsum dolor sit amet consectetur ' * 5,
    'empty': '',
    'nothing': None,
    'word': 'Hello, World',
    'groups': {'all': ['h1', 'h2', 'h3'], 'web': ['h1', 'h2'], 'db': ['h3'], 'ungrouped': []},
}


def plain(value):
    """Gives a value of plain types."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return value
    return str(value)


def main():
    plugin_loader.init_plugin_loader()
    loader = DataLoader()
    loader.set_basedir(os.path.dirname(os.path.abspath(__file__)))
    templar = Templar(loader=loader, variables=VARIABLES)
    for line in sys.stdin:
        expression = line.rstrip('\n')
        if not expression or expression.startswith('#'):
            continue
        answer = {'e': expression}
        try:
            answer['v'] = repr(plain(templar.template(trust_as_template('{{ ' + expression + ' }}'))))
        except Exception as ex:
            event = _error_factory.ControllerEventFactory.from_exception(ex, False)
            message = _event_utils.format_event_brief_message(event)
            message = re.sub(r"(?:ansible\.[\w.]*)?_AnsibleLazy(?:Template|Access)(\w+)", lambda m: m[1].lower(), message)
            answer['x'] = re.sub(r"(?:ansible\.[\w.]*)?_AnsibleTagged(\w+)", lambda m: m[1].lower(), message)
        print(json.dumps(answer, ensure_ascii=False))


if __name__ == '__main__':
    main()
