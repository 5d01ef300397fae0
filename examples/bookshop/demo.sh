#!/bin/sh
# Takes a copy of the bookshop through its whole life: plan, apply, hosts that a playbook
# configures, orders that a state machine fulfils, an edit and the plan that shows exactly that, down to the lines on the
# hosts, a power cut in the middle of an apply, resume, destroy. Ends with an error as soon as something is not as it should be.
#
#	TUTTI=path/of/tutti TUTTI_MIRROR=folder/of/providers examples/bookshop/demo.sh
#
# Needs go. KEEP=1 leaves the copy where it is.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
TUTTI=${TUTTI:-$(command -v tutti || true)}
if ! test -x "$TUTTI"; then
	echo "demo: set TUTTI to the tutti binary, or run: make demo" >&2
	exit 1
fi
case $TUTTI in /*) ;; *) TUTTI=$PWD/$TUTTI ;; esac

# Nothing of the caller's set-up changes what is shown.
unset TF_WORKSPACE TF_DATA_DIR TF_CLI_ARGS TF_CLI_ARGS_plan TF_CLI_ARGS_apply SHOP_SLOW_BRANCH || true
export CHECKPOINT_DISABLE=1 LC_ALL=C

top=$(mktemp -d "${TMPDIR:-/tmp}/bookshop.XXXXXX")
work=$top/bookshop
out=$top/said # what the last command said
running=""  # the apply that is to be cut off
# slow gives the process that the apply waits for, once there is one.
slow() {
	test "$(count us begin)" = 2 || return 0
	sed -n 's/^begin pid=//p' "$work/run/outbox/us.log" | tail -n 1
}
cleanup() {
	status=$?
	trap - EXIT INT TERM
	for pid in $running ${running:+$(slow)}; do kill -9 "$pid" 2>/dev/null || true; done
	if test -n "${KEEP:-}"; then echo "The copy is in $work"; else rm -rf "$top"; fi
	exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

heading() { printf '\n=== %s\n' "$*"; }
wrong() {
	printf '\ndemo: %s\n' "$*" >&2
	exit 1
}

# tutti runs a command; what it says goes to $out, and its exit code to $code.
tutti() {
	printf '$ tutti %s\n' "$*"
	code=0
	"$TUTTI" "$@" </dev/null >"$out" 2>&1 || code=$?
}
# shown prints all of it; outline only what is about to change, and sums.
shown() { cat "$out"; }
outline() { grep -E '^ *# [a-z]|^Plan:|complete!|^Run [0-9]|^Error|^Warning' "$out" || shown; }
# succeeds checks the exit code of the last command.
succeeds() {
	test "$code" -eq "${1:-0}" || {
		shown
		wrong "that ended with exit code $code instead of ${1:-0}"
	}
}
# changed lists the addresses of a plan's changes.
changed() { sed -n 's/^ *# \([a-z][^ ]*\) .*/\1/p' "$out" | sed 's/:$//' | sort; }
# count says how often a branch's readers were told, or the telling begun.
count() { grep -c "^$2" "$work/run/outbox/$1.log" 2>/dev/null || true; }
# await waits for a condition, half a minute at most.
await() {
	tries=0
	until eval "$1"; do
		tries=$((tries + 1))
		test "$tries" -lt 300 || {
			cat apply.log order.log serve.log 2>/dev/null || true
			wrong "waited in vain for: $1"
		}
		sleep 0.1
	done
}

mkdir "$work"
cp -R "$here/." "$work"
rm -rf "$work/run" "$work/bin" "$work/.tutti" "$work/.terraform" "$work"/terraform.tfstate*
cd "$work"

heading "A bookshop with three branches, in $(ls ./*.tf modules/*/*.tf ./*.tutti.hcl | wc -l | tr -d ' ') files"
if test -n "${TUTTI_MIRROR:-}"; then tutti init "-plugin-dir=$TUTTI_MIRROR"; else tutti init; fi
succeeds
tail -n 1 "$out"

heading "1. The first plan: resources, tasks, a playbook and a workflow in one graph"
tutti plan
succeeds
outline

heading "2. Apply: certificates and passwords are made, the shop is built, loaded and checked over HTTPS, its hosts configured"
tutti apply -auto-approve
succeeds
grep -E '^ *(task|playbook)\.' "$out" | grep -iv 'complete\|run\.\.\.\|running\|still' || true
grep -E 'complete!|^Run [0-9]' "$out" || true
for branch in eu jp us; do
	test "$(count $branch sent)" = 1 || wrong "the readers of $branch were told $(count $branch sent) times"
done
echo
cat run/eu/receipt.txt
echo
cat run/eu/etc/shop.conf
grep -q '^currency = JPY$' run/jp/etc/shop.conf || wrong "the host of jp has no settings"
tutti plan -detailed-exitcode
succeeds
echo "(a second plan finds nothing to do)"

heading "3. Orders: a Step Functions file, run from the graph, by hand, and by a schedule"
tutti run show 1
succeeds
grep -A 9 'workflow.fulfil' "$out"
echo
echo '$ tutti run fulfil -name big -input ... &   (above 100.00, so a person is asked)'
printf '{"shop": "run", "branch": "run/us", "ask_above": 10000, "lines": [{"book": "%s", "quantity": 9}]}' "$(sed -n '2s/,.*//p' catalogue/us.csv)" >order.json
"$TUTTI" run fulfil -name big -input @order.json </dev/null >order.log 2>&1 &
running=$!
await 'test -s run/desk/big.token || grep -q Error order.log'
tutti answer "$(cat run/desk/big.token)"
succeeds
wait "$running" || wrong "the order failed: $(cat order.log)"
running=""
cat order.log run/bills/big.txt
# In some seconds, as GNU's date and the others say it; later where the machine is too busy to be ready by then.
for seconds in 4 20 60; do
	due=$(($(date +%s) + seconds))
	soon=$(date -u -d "@$due" +%Y-%m-%dT%H:%M:%S 2>/dev/null || date -u -r "$due" +%Y-%m-%dT%H:%M:%S)
	sed -e "s/default *= \"cron.*/default     = \"at($soon)\"/" -e "s/default *= \"at(.*/default     = \"at($soon)\"/" variables.tf >variables.new
	mv variables.new variables.tf
	tutti apply -auto-approve
	succeeds
	test "$(changed)" = "workflow.fulfil" || wrong "another schedule changes $(changed | tr '\n' ' ')"
	test "$(($(date +%s) + seconds / 2))" -gt "$due" || break
done
echo '$ tutti serve &'
"$TUTTI" serve -listen 127.0.0.1:0 </dev/null >serve.log 2>&1 &
running=$!
await 'ls run/bills/schedule-* >/dev/null 2>&1 || ! kill -0 "$running" 2>/dev/null'
kill "$running"
wait "$running" || wrong "the server failed: $(cat serve.log)"
running=""
grep 'Step Functions API' serve.log
tutti runs -limit 3
shown

heading "4. An edit: Europe gives a discount. The plan shows exactly that, the line on its host too, and who must look again"
sed 's/title = "Europe"/title = "Europe", discount = 10/' variables.tf >variables.new
mv variables.new variables.tf
tutti plan -detailed-exitcode -out=discount.plan
succeeds 2
shown
grep -q '+ discount = 10$' "$out" || wrong "the plan does not show the new line on the host of eu"
if grep -q 'template.*/run/us/etc' "$out"; then wrong "the plan changes the host of us"; fi
expected='module.branch["eu"].local_file.settings
playbook.hosts
task.check
workflow.fulfil'
test "$(changed)" = "$expected" || wrong "the plan changes $(changed | tr '\n' ' ')"
tutti apply discount.plan
succeeds
grep -q '"discount":10' run/eu/settings.json || wrong "the discount is not in Europe's settings"
grep -q '^discount = 10$' run/eu/etc/shop.conf || wrong "the discount is not on Europe's host"
grep -E 'complete!|^Run [0-9]' "$out" || true

heading "5. New books everywhere, and a power cut while the readers of us are being told"
for branch in eu jp us; do echo 'b900,Emma,Jane Austen,9.90,3' >>catalogue/$branch.csv; done
tutti plan
succeeds
outline
echo '$ tutti apply -auto-approve &'
SHOP_SLOW_BRANCH=us "$TUTTI" apply -auto-approve </dev/null >apply.log 2>&1 &
running=$!
# shellcheck disable=SC2016 # evaluated by await
await 'grep -qis "announce.*eu.*complete" apply.log && grep -qis "announce.*jp.*complete" apply.log && test "$(count us begin)" = 2'
announce=$(slow)
echo "\$ kill -9 $running $announce"
kill -9 "$running" "$announce"
wait "$running" 2>/dev/null || true
running=""

heading "6. Resume: what was finished is not done again, and what was cut off is named"
tutti resume
succeeds 1
shown
grep -q 'task.announce\["us"\]' "$out" || wrong "resume does not name task.announce[\"us\"]"
for branch in eu jp; do
	if grep -i doubt "$out" | grep -q "announce\[\"$branch\"\]"; then wrong "task.announce[\"$branch\"] was finished, and is in doubt"; fi
done
echo "The outbox of us shows that its post never went out, so:"
tutti resume -in-doubt=retry
succeeds
outline
printf '\n%-8s %-6s %s\n' branch begun sent
for branch in eu jp us; do
	printf '%-8s %-6s %s\n' "$branch" "$(count $branch begin)" "$(count $branch sent)"
	test "$(count $branch sent)" = 2 || wrong "the readers of $branch were told $(count $branch sent) times, and not twice"
done
test "$(count eu begin)-$(count jp begin)-$(count us begin)" = 2-2-3 || wrong "something was begun more often than it had to be"
tutti plan -detailed-exitcode
succeeds
tutti runs
succeeds
shown

heading "7. Destroy: what was there goes, in order, and nothing is left"
tutti destroy -auto-approve
succeeds
grep -E 'complete!|^Run [0-9]' "$out" || true
tutti state list
succeeds
test ! -s "$out" || wrong "the state still lists $(tr '\n' ' ' <"$out")"
test ! -e run || wrong "there are files left: $(find run | tr '\n' ' ')"
test ! -e bin || wrong "there are files left: $(find bin | tr '\n' ' ')"

printf '\nDone: everything was as it should be.\n'
