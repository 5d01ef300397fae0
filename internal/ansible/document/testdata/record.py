"""Records what ansible-core makes of the texts in documents.json:

    python record.py documents.json > documents.recorded.json

Each answer has the value in Python's notation, or the message with line and column, and
the places of warnings.
"""
import datetime
import json
import os
import sys
import tempfile

from ansible.errors import AnsibleError
from ansible.parsing.utils.yaml import from_yaml
from ansible.utils.display import Display
from ansible._internal._datatag._tags import Origin, TrustedAsTemplate


def plain(v):
    if isinstance(v, dict):
        return {plain(k): plain(x) for k, x in v.items()}
    if isinstance(v, set):
        return sorted(plain(x) for x in v)
    if isinstance(v, list):
        return [plain(x) for x in v]
    if isinstance(v, tuple):
        return tuple(plain(x) for x in v)
    if isinstance(v, (datetime.datetime, datetime.date)):
        return v.replace()  # a plain one, without tags
    if isinstance(v, bytes):
        return v.decode()
    if type(v).__name__ == 'EncryptedString':
        return v._ciphertext
    return v


def main():
    warnings = []
    Display.warning = lambda self, msg, *a, **k: warnings.append(msg) if msg.startswith('Found') else None
    answers = []
    path = os.path.join(tempfile.mkdtemp(), 'file.yml')
    for text in json.load(open(sys.argv[1])):
        warnings.clear()
        with open(path, 'w') as f:
            f.write(text)
        answer = {'text': text}
        try:
            tagged = TrustedAsTemplate().tag(Origin(path=path).tag(text))
            answer['value'] = repr(plain(from_yaml(tagged, file_name=path)))
        except AnsibleError as e:
            answer['error'] = e.message.removeprefix('YAML parsing failed: ')
            answer['line'] = e.obj.line_num or 0
            answer['column'] = e.obj.col_num or 0
        if warnings:
            answer['warnings'] = list(warnings)
        answers.append(answer)
    json.dump(answers, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()
