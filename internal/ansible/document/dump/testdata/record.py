"""Records what the filters to_yaml and to_nice_yaml of ansible-core write:

    python record.py < cases.txt > cases.json

Each case is a line: the name of a filter, its arguments in JSON, and a value in YAML's
flow form, separated by tabs.
"""
import json
import sys

import yaml
from ansible.plugins.filter.core import to_nice_yaml, to_yaml

answers = []
for line in sys.stdin.read().split('\n'):
    if not line:
        continue
    name, arguments, text = line.split('\t')
    v = yaml.safe_load(text)
    written = {'to_yaml': to_yaml, 'to_nice_yaml': to_nice_yaml}[name](v, **json.loads(arguments))
    answers.append({'filter': name, 'arguments': json.loads(arguments), 'text': text, 'written': written})
json.dump(answers, sys.stdout, indent=1, ensure_ascii=False)
print()
