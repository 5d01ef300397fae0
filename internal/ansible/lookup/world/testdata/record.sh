#!/bin/sh
# Records expressions.txt with the Python that is given: record.sh /path/to/venv/bin/python
set -e
here=$(cd "$(dirname "$0")" && pwd)
base=$(mktemp -d)
cp -r "$here/folder/." "$base"
sed "s#loader.set_basedir(.*#loader.set_basedir('$base')#" "$here/../../../filter/testdata/record.py" >"$base.py"
TZ=UTC HOME=/home/tester PYTHONHASHSEED=0 "$1" "$base.py" <"$here/expressions.txt" 2>/dev/null | sed "s#$base#BASE#g" >"$here/recorded.jsonl"
rm -r "$base" "$base.py"
