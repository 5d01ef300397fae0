#!/bin/sh
# Runs every fuzz target of the module, one after the other, each for FUZZTIME. Stops at the first finding: Go has then
# written the input to the package's testdata/fuzz folder, where it belongs as a test once the bug is mended. Inputs are
# made smaller only a little: Go's own limit of a minute for each would eat the time that finding them needs.
set -eu
cd "$(dirname "$0")/.."
targets=$(git grep --untracked -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | wc -l)
echo "$targets fuzz targets, ${FUZZTIME:=20s} each"
git grep --untracked -lE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while read -r file; do
	sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file" | while read -r target; do
		echo "$(dirname "$file") $target"
		"${GO:=go}" test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 10x </dev/null
	done
done
