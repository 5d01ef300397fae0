package archtest

import (
	"fmt"
	"strconv"
	"strings"
)

// exception is a line of exceptions.txt: RULE SUBJECT [SIZE], then the reason after a #.
type exception struct {
	rule, subject string
	size          int // the finding may be as large as this, and no larger; 0 for rules without a limit
	line          int
}

// parseExceptions reads the list. An entry without a reason is an error.
func parseExceptions(text string) ([]exception, error) {
	var list []exception
	for i, line := range strings.Split(text, "\n") {
		entry, reason, _ := strings.Cut(line, "#")
		fields := strings.Fields(entry)
		if len(fields) == 0 {
			continue
		}
		e := exception{line: i + 1}
		if len(fields) < 2 || len(fields) > 3 || strings.TrimSpace(reason) == "" {
			return nil, fmt.Errorf("line %d: want RULE SUBJECT [SIZE] # reason", e.line)
		}
		e.rule, e.subject = fields[0], fields[1]
		if len(fields) == 3 {
			size, err := strconv.Atoi(fields[2])
			if err != nil {
				return nil, fmt.Errorf("line %d: the size: %w", e.line, err)
			}
			e.size = size
		}
		list = append(list, e)
	}
	return list, nil
}

// apply takes the known findings away, and adds one for each entry that nothing needs any more: so the list shrinks.
func apply(list []exception, all []finding) []finding {
	type key struct{ rule, subject string }
	known := map[key]exception{}
	needed := map[key]bool{}
	for _, e := range list {
		known[key{e.rule, e.subject}] = e
	}
	var left []finding
	for _, f := range all {
		k := key{f.rule, f.subject}
		e, ok := known[k]
		needed[k] = true
		if !ok || f.size > e.size {
			left = append(left, f)
		}
	}
	for _, e := range list {
		if !needed[key{e.rule, e.subject}] {
			left = append(left, finding{rule: "exception", subject: e.rule + ":" + e.subject,
				where: fmt.Sprintf("internal/archtest/exceptions.txt:%d", e.line),
				text:  "nothing breaks this rule here any more: delete the entry"})
		}
	}
	return left
}
