"""Records what ansible-playbook --syntax-check says of each playbook in playbooks.txt.

Usage: record.py ANSIBLE-PLAYBOOK > recorded.txt
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))


def cases():
    text = open(os.path.join(here, "playbooks.txt"), encoding="utf-8").read()
    for part in text.split("=== ")[1:]:
        name, _, body = part.partition("\n")
        yield name, body


def run(case):
    name, body = case
    with tempfile.TemporaryDirectory() as folder:
        work = os.path.join(folder, "work")
        shutil.copytree(os.path.join(here, "files"), work)
        with open(os.path.join(work, "site.yml"), "w", encoding="utf-8") as f:
            f.write(body)
        env = dict(os.environ, ANSIBLE_NOCOLOR="1", COLUMNS="2000", HOME=folder, ANSIBLE_DEPRECATION_WARNINGS="0")
        done = subprocess.run([sys.argv[1], "-i", "localhost,", "--syntax-check", "site.yml"], cwd=work, env=env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        said = done.stderr.replace(work + "/", "")
        message = re.search(r"^\[ERROR\]: (.*)$", said, re.M)
        origin = re.search(r"^(?:Origin: )(\S+)$", said, re.M)
        return name, done.returncode, origin.group(1) if origin else "-", message.group(1) if message else "-"


with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for answer in pool.map(run, cases()):
        print("\t".join(str(a) for a in answer))
