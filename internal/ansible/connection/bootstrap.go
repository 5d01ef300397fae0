package connection

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/shell"
	"tutti/internal/ansible/connection/target"
)

// What the script says when it does not start the program. The nonce follows each.
const (
	sayNeed = "TUTTI-NEED" // then: how it can unpack, what uname says, the folder
	sayNone = "TUTTI-NONE" // then: why
)

// bootstrap is the script that starts the program on a host. It is the only thing that a host's
// shell is asked to do: it finds the program by its hash in the folders where it may lie, each of
// which has to be the user's own, and otherwise takes it from its standard input.
type bootstrap struct {
	nonce string
	// hashes are those of the programs by the words of uname.
	programs program.Set
	// known is where the program lies that another user of this connection runs; it is used if it
	// can be.
	known string
	// temp is the folder for temporary files.
	temp string
	// folders are tried in this order.
	folders []string
	// without are folders that proved to be of no use.
	without []string
	// fresh does not look for a program that is there already: it was not what its name says.
	fresh bool
}

// defaultFolders are where the program is put. The second is for users whose home cannot be
// written to, or not be run from, and the third for where that is so in /var/tmp too.
func defaultFolders() []string {
	return []string{`$HOME/.cache/tutti/target`, `/var/tmp/tutti-$u`, `/tmp/tutti-$u`}
}

// line gives the script as one line without an exclamation mark, so that every login shell passes
// it on.
func (b *bootstrap) line() (string, error) {
	var s strings.Builder
	s.WriteString(`if [ -t 0 ]; then stty raw -echo; fi; m=$(uname -sm); u=$(id -u); h=; a=; case "$m" in `)
	for _, p := range b.programs {
		hash, err := p.Digest()
		if err != nil {
			return "", err
		}
		if words := p.Machines(); len(words) > 0 {
			fmt.Fprintf(&s, `"%s") h=%s; a="%s";; `, strings.Join(words, `"|"`), hash, strings.Join(p.Args, " "))
		}
	}
	fmt.Fprintf(&s, `esac; if [ -z "$h" ]; then echo "%s %s no program for $m"; exit 0; fi; `, sayNone, b.nonce)
	start := fmt.Sprintf(`exec "$f" $a serve %s %s`, b.nonce, shell.Quote(b.temp))
	if !b.fresh {
		if b.known != "" {
			fmt.Fprintf(&s, `f=%s/%s$h; if [ -x "$f" ]; then %s; fi; `, shell.Quote(b.known), target.Prefix, start)
		}
		fmt.Fprintf(&s, `for d in %s; do f="$d/%s$h"; if [ -x "$f" ] && [ -O "$d" ] && [ -O "$f" ]; then %s; fi; done; `,
			b.list(), target.Prefix, start)
	}
	// A folder will do if something that lies there can be run.
	fmt.Fprintf(&s, `o=; for d in %s; do case "$d" in %s) continue;; esac; if (umask 77; mkdir -p "$d") 2>/dev/null && [ -O "$d" ]; then t="$d/.%s%s.$$"; `+
		`if (umask 77; printf "#\041/bin/sh\nexit 0\n" >"$t" && chmod 700 "$t" && "$t") 2>/dev/null; then o=$d; break; fi; rm -f "$t"; fi; done; `,
		b.list(), b.excluded(), target.Prefix, b.nonce)
	fmt.Fprintf(&s, `if [ -z "$o" ]; then echo "%s %s none of the folders %s can be written to and run from"; exit 0; fi; `,
		sayNone, b.nonce, strings.ReplaceAll(b.list(), `"`, ""))
	fmt.Fprintf(&s, `z=plain; if command -v gzip >/dev/null; then z=gzip; fi; echo "%s %s $z $m $o"; read -r n; `, sayNeed, b.nonce)
	s.WriteString(`if [ $z = gzip ]; then head -c "$n" | gzip -dc >"$t"; else head -c "$n" >"$t"; fi || { rm -f "$t"; exit 1; }; `)
	s.WriteString(`if command -v sha256sum >/dev/null; then case "$(sha256sum <"$t")" in "$h"*) ;; ` +
		`*) rm -f "$t"; echo "the program did not arrive whole" >&2; exit 1;; esac; fi; `)
	// Programs of older versions do not pile up; whoever still uses one puts it there again.
	fmt.Fprintf(&s, `f="$o/%s$h"; mv -f "$t" "$f" || { rm -f "$t"; exit 1; }; find "$o" -name "%s*" -mtime +30 -exec rm -f {} \; 2>/dev/null; %s`,
		target.Prefix, target.Prefix, start)
	return s.String(), nil
}

func (b *bootstrap) list() string {
	quoted := make([]string, len(b.folders))
	for i, f := range b.folders {
		quoted[i] = `"` + f + `"`
	}
	return strings.Join(quoted, " ")
}

func (b *bootstrap) excluded() string {
	words := []string{`""`}
	for _, f := range b.without {
		words = append(words, shell.Quote(f))
	}
	return strings.Join(words, "|")
}

// need is what a host asks for.
type need struct{ packing, machine, folder string }

// parseNeed reads what stands behind the word and the nonce.
func parseNeed(text string) (need, bool) {
	words := strings.SplitN(text, " ", 4)
	if len(words) != 4 {
		return need{}, false
	}
	return need{words[0], words[1] + " " + words[2], words[3]}, true
}

// fitting gives the program for what uname says.
func fitting(set program.Set, machine string) *program.Program {
	for _, p := range set {
		for _, words := range p.Machines() {
			if words == machine {
				return p
			}
		}
	}
	return nil
}
