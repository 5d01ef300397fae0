package ansible

import (
	"regexp"
	"slices"
	"strings"
)

// volatile is what no two runs have in common.
var volatile = []struct {
	expr *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`/[^"' ]*/\.ansible/tmp/[^"' ]*`), "TMP"},
	{regexp.MustCompile(`"(start|end|stop)": "[-0-9:. ]+"`), `"$1": "TIME"`},
	{regexp.MustCompile(`"delta": "[0-9:.]+"`), `"delta": "DELTA"`},
	{regexp.MustCompile(`"(atime|ctime|mtime)": [0-9.]+`), `"$1": 0`},
	{regexp.MustCompile(`"(inode|dev|nlink|blocks)": [0-9]+`), `"$1": 0`},
	{regexp.MustCompile(`"version": "[0-9]+"`), `"version": "0"`},
	{regexp.MustCompile(`"(ansible_job_id|results_file)": "[^"]+"`), `"$1": "JOB"`},
	{regexp.MustCompile(`"frame": ("[^"]*"|null)`), `"frame": 0`},
	{regexp.MustCompile(`/[^"' ]*/ansible-local-[^/ ]+/tmp[^/ ]+/`), "$DIR/"},
	{regexp.MustCompile(`(?m)^(FAILED - RETRYING: \[\w+\]: async_status|ASYNC POLL) .*\n`), ""},
	{regexp.MustCompile(`jid=j[0-9.]+`), "jid=JOB"},
	{regexp.MustCompile(`ansible\.[a-z0-9_]{8}`), "ansible.RANDOM"},
	{regexp.MustCompile(`(?m) +$`), ""},
}

func steady(text string) string {
	for _, v := range volatile {
		text = v.expr.ReplaceAllString(text, v.by)
	}
	return text
}

var (
	blank   = regexp.MustCompile(`\n\n+`)
	section = regexp.MustCompile(`(?m)^-- .* --$`)
	banner  = regexp.MustCompile(`^(TASK|PLAY|RUNNING HANDLER|NO MORE|Play recap|playbook:|STATS|CUSTOM)`)
	result  = regexp.MustCompile(`^(?:ok|changed|skipping|failed|fatal|included|FAILED - RETRYING|ASYNC \w+(?: on)?)(?:: | )\[?([^\] ]*)|^\[ERROR\]()`)
	message = regexp.MustCompile(`^\[(ERROR|WARNING|DEPRECATION WARNING)\]`)
)

// normal is what is compared of a recording: without what differs from run to run, the results
// of a task in the order of the hosts (forks end in any order), messages sorted.
func normal(text string) string {
	text = steady(text)
	stderr := strings.Index(text, "-- stderr --\n")
	if stderr < 0 {
		return byHost(text)
	}
	head, tail := text[:stderr], text[stderr+len("-- stderr --\n"):]
	rest := ""
	if i := section.FindStringIndex(tail); i != nil {
		tail, rest = tail[:i[0]], tail[i[0]:]
	}
	tail = blank.ReplaceAllString(tail, "\n") // blank lines of messages are not compared
	return byHost(head) + "-- stderr --\n" + sortedChunks(tail, message, func(c []string) string { return strings.Join(c, "\n") }) + rest
}

// byHost sorts the results of each task.
func byHost(text string) string {
	var out, block []string
	flush := func() {
		out = append(out, sortedChunks(strings.Join(block, "\n"), result, func(c []string) string {
			for _, line := range c {
				if m := result.FindStringSubmatch(line); m != nil && m[1] != "" {
					return m[1]
				}
			}
			return ""
		}))
		block = nil
	}
	for _, line := range strings.Split(text, "\n") {
		if banner.MatchString(line) && len(block) > 0 {
			flush()
		}
		block = append(block, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// sortedChunks sorts the pieces of a text that begin with a line which matches; what stands
// before the first of them and blank lines behind the last stay where they are.
func sortedChunks(text string, begin *regexp.Regexp, key func([]string) string) string {
	lines := strings.Split(text, "\n")
	end := len(lines)
	for end > 0 && lines[end-1] == "" {
		end--
	}
	first := slices.IndexFunc(lines[:end], begin.MatchString)
	if first < 0 {
		return text
	}
	var chunks [][]string
	told := false // an error, which belongs to the result below it
	for _, line := range lines[first:end] {
		isError := strings.HasPrefix(line, "[ERROR]")
		if begin.MatchString(line) && !told {
			chunks = append(chunks, nil)
		}
		told = isError || told && !begin.MatchString(line)
		chunks[len(chunks)-1] = append(chunks[len(chunks)-1], line)
	}
	slices.SortStableFunc(chunks, func(a, b []string) int { return strings.Compare(key(a), key(b)) })
	return strings.Join(slices.Concat(lines[:first], slices.Concat(chunks...), lines[end:]), "\n")
}
