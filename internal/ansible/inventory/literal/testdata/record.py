"""Records what Python makes of the lines of literals.txt:

    python record.py < literals.txt > literals.json
"""
import ast
import json
import sys
import warnings

warnings.simplefilter('ignore')


def plain(v):
    if isinstance(v, (list, tuple, set)):
        return [plain(x) for x in v]
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items()}
    if v is ...:
        return '...'
    if isinstance(v, complex):
        return str(v)
    if isinstance(v, bytes):
        return v.decode('utf-8', 'surrogateescape')
    return v


answers = []
for line in sys.stdin.read().splitlines():
    try:
        answer = repr(plain(ast.literal_eval(line)))
    except (ValueError, SyntaxError, TypeError):
        answer = None
    answers.append([line, answer])
json.dump(answers, sys.stdout, indent=0, ensure_ascii=False)
print()
