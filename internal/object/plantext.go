package object

import (
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/addr"
)

// Print gives the text form of a plan's graph, one action a line, stable for
// ever: runs are started with it, and tests compare it.
//
//	#1 create local_file.a change=0 idempotent
//	#2 join - needs=#1
//	#3 delete module.b["x"].local_file.c deposed="k1" change=2 needs=#1,#2 queue="eu" group="g"
//
// An action's number is its index + 1.
func Print(actions []Action) string {
	var b strings.Builder
	b.Grow(len(actions) * 64)
	for i := range actions {
		printAction(&b, i+1, &actions[i])
	}
	return b.String()
}

func printAction(b *strings.Builder, id int, a *Action) {
	b.WriteByte('#')
	b.WriteString(strconv.Itoa(id))
	b.WriteByte(' ')
	b.WriteString(a.Verb.String())
	b.WriteByte(' ')
	if a.Addr == (addr.Instance{}) {
		b.WriteByte('-')
	} else {
		b.WriteString(a.Addr.String())
	}
	if a.Deposed != "" {
		b.WriteString(" deposed=" + strconv.Quote(a.Deposed))
	}
	if a.Change >= 0 {
		b.WriteString(" change=" + strconv.Itoa(a.Change))
	}
	for i, n := range a.Needs {
		if i == 0 {
			b.WriteString(" needs=#")
		} else {
			b.WriteString(",#")
		}
		b.WriteString(strconv.Itoa(n))
	}
	if a.Idempotent {
		b.WriteString(" idempotent")
	}
	if a.Queue != "" {
		b.WriteString(" queue=" + strconv.Quote(a.Queue))
	}
	if a.Group != "" {
		b.WriteString(" group=" + strconv.Quote(a.Group))
	}
	b.WriteByte('\n')
}

// ParseActions reads what Print wrote. Numbers must be those of the lines, and
// needs ascending numbers of other actions of the text.
func ParseActions(text string) ([]Action, error) {
	total := strings.Count(text, "\n")
	if !strings.HasSuffix(text, "\n") && text != "" {
		total++
	}
	actions := make([]Action, 0, total)
	for line := range strings.Lines(text) {
		a, err := parseAction(strings.TrimSuffix(line, "\n"), len(actions)+1, total)
		if err != nil {
			return nil, fmt.Errorf("action %d of %d: %w", len(actions)+1, total, err)
		}
		actions = append(actions, a)
	}
	return actions, nil
}

func parseAction(line string, id, total int) (Action, error) {
	num, rest, _ := strings.Cut(line, " ")
	if num != "#"+strconv.Itoa(id) {
		return Action{}, fmt.Errorf("expected #%d, found %.40q", id, num)
	}
	word, rest, _ := strings.Cut(rest, " ")
	verb, err := ParseVerb(word)
	if err != nil {
		return Action{}, err
	}
	a := Action{Verb: verb, Change: -1}
	end := addressEnd(rest)
	if rest[:end] != "-" {
		if a.Addr, err = addr.ParseInstance(rest[:end]); err != nil {
			return Action{}, err
		}
	}
	rest = rest[end:]
	if a.Deposed, rest, err = quotedField(rest, " deposed="); err != nil {
		return Action{}, err
	}
	if a.Change, rest, err = changeField(rest); err != nil {
		return Action{}, err
	}
	if a.Needs, rest, err = needsField(rest, id, total); err != nil {
		return Action{}, err
	}
	rest, a.Idempotent = cutWord(rest, " idempotent")
	if a.Queue, rest, err = quotedField(rest, " queue="); err != nil {
		return Action{}, err
	}
	if a.Group, rest, err = quotedField(rest, " group="); err != nil {
		return Action{}, err
	}
	if rest != "" {
		return Action{}, fmt.Errorf("%.60q is left over", rest)
	}
	return a, nil
}

// addressEnd finds the first space outside the quotes of a key.
func addressEnd(s string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case ' ':
			if !quoted {
				return i
			}
		}
	}
	return len(s)
}

func cutWord(s, word string) (string, bool) {
	rest, ok := strings.CutPrefix(s, word)
	if !ok || rest != "" && rest[0] != ' ' {
		return s, false
	}
	return rest, true
}

// quotedField reads one optional field; an empty value would not have been written.
func quotedField(s, prefix string) (val, rest string, err error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", s, nil
	}
	q, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", s, fmt.Errorf("expected a quoted text after%s", prefix)
	}
	val, err = strconv.Unquote(q)
	if err != nil || val == "" {
		return "", s, fmt.Errorf("%.40q is not a text for%s", q, prefix)
	}
	return val, rest[len(q):], nil
}

func changeField(s string) (int, string, error) {
	rest, ok := strings.CutPrefix(s, " change=")
	if !ok {
		return -1, s, nil
	}
	num, after, found := strings.Cut(rest, " ")
	if found {
		after = " " + after
	}
	n, err := strconv.Atoi(num)
	if err != nil || n < 0 {
		return -1, s, fmt.Errorf("%.40q is not the index of a change", num)
	}
	return n, after, nil
}

func needsField(s string, id, total int) ([]int, string, error) {
	rest, ok := strings.CutPrefix(s, " needs=")
	if !ok {
		return nil, s, nil
	}
	list, after, found := strings.Cut(rest, " ")
	if found {
		after = " " + after
	}
	needs := make([]int, 0, strings.Count(list, ",")+1)
	last := 0
	for item := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimPrefix(item, "#"))
		if err != nil || !strings.HasPrefix(item, "#") || n < 1 || n > total || n == id {
			return nil, s, fmt.Errorf("%.40q is not the number of another action", item)
		}
		if n <= last {
			return nil, s, fmt.Errorf("the needs are not in ascending order at #%d", n)
		}
		needs = append(needs, n)
		last = n
	}
	return needs, after, nil
}
