#!/bin/sh
# Records runs of ansible-playbook: for each, the notes of what happened and the text that its
# callback printed.
#
# Usage: record.sh FOLDER-WITH-ANSIBLE-PLAYBOOK [NAME...]
set -u
bin=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
out=$here/../recorded
work=/tmp/tutti-record
mkdir -p "$out"

run() { # NAME "SETTINGS" PLAYBOOK FLAGS...
	name=$1 settings=$2 playbook=$3
	shift 3
	case " $wanted " in "  " | *" $name "*) ;; *) return ;; esac
	rm -rf "$work"
	mkdir -p "$work/d"
	cp "$here"/*.yml "$here/hosts" "$work"
	(
		cd "$work" || exit 1
		env ANSIBLE_CALLBACK_PLUGINS="$here/plugins" ANSIBLE_CALLBACKS_ENABLED=notes NOTES="$out/$name.notes" HOME="$work" \
			ANSIBLE_ASYNC_DIR="$work/async" ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3 ANSIBLE_NOCOLOR=1 ANSIBLE_DEPRECATION_WARNINGS=0 $settings \
			"$bin/ansible-playbook" -i hosts -e d="$work/d" "$playbook" "$@" >"$out/$name.out" 2>"$out/$name.err" </dev/null
		echo "$name: $?"
	)
	sed -i "s#$work#/play#g" "$out/$name.notes" "$out/$name.out" "$out/$name.err"
}

wanted="$*"
color="ANSIBLE_NOCOLOR= ANSIBLE_FORCE_COLOR=1 TERM=xterm-256color"
run plain "ANSIBLE_SHOW_CUSTOM_STATS=1" many.yml
run color "$color" many.yml --diff
run v "" many.yml -v
run vv "" many.yml -vv
run check "ANSIBLE_CHECK_MODE_MARKERS=1" many.yml --check --diff
run quiet "ANSIBLE_DISPLAY_SKIPPED_HOSTS=0 ANSIBLE_DISPLAY_OK_HOSTS=0" many.yml
run stderr "ANSIBLE_DISPLAY_FAILED_STDERR=1" many.yml
run minimal "ANSIBLE_STDOUT_CALLBACK=minimal" few.yml --diff
run oneline "ANSIBLE_STDOUT_CALLBACK=oneline" few.yml
run yaml "ANSIBLE_CALLBACK_RESULT_FORMAT=yaml" many.yml -v --diff
run pretty "ANSIBLE_CALLBACK_FORMAT_PRETTY=1" many.yml -v
run free "" free.yml
run freequiet "ANSIBLE_DISPLAY_OK_HOSTS=0" free.yml
run trouble "" trouble.yml
run troublecolor "$color" trouble.yml -v
run troublecheck "" trouble.yml --check
