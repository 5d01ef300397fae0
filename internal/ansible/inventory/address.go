package inventory

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// Limits on host ranges and patterns.
const (
	// MaxRange is how many hosts the ranges of one line may stand for.
	MaxRange = 250_000
	// maxPattern bounds the length of a host pattern.
	maxPattern = 100_000
)

func isWord(c rune) bool { return c == '_' || unicode.IsLetter(c) || unicode.IsNumber(c) }

// IsVariableName tells whether a variable may have the name: an identifier of ASCII letters
// that is no word of Python.
func IsVariableName(name string) bool {
	switch name {
	case "", "True", "False", "None", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
		"elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
		"not", "or", "pass", "raise", "return", "try", "while", "with", "yield":
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

var (
	bracketedPort = regexp.MustCompile(`^\[(.+)\]:([0-9]+)$`)
	plainPort     = regexp.MustCompile(`^((?:[^:\[\]]|\[[^\]]*\])*):([0-9]+)$`)
	nameRange     = regexp.MustCompile(`(?i)\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`)
	hexRange      = regexp.MustCompile(`(?i)\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]`)
	hostLabel     = regexp.MustCompile(`^[\pL\pN_][\pL\pN_-]*$`)
)

// ParseAddress takes a host's name, or a pattern of ranges, and its port apart; the port is 0
// when there is none. An IPv6 address with a port stands in brackets. ok is false for what
// could not be the name of a host.
func ParseAddress(address string) (host string, port int, ok bool) {
	for _, form := range []*regexp.Regexp{bracketedPort, plainPort} {
		if m := form.FindStringSubmatch(address); m != nil {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return "", 0, false
			}
			address, port = m[1], n
		}
	}
	if !isAddress(address) {
		return "", 0, false
	}
	return address, port, true
}

// isAddress tells whether text is an address or a name, either with ranges in it.
func isAddress(text string) bool {
	if strings.Contains(text, ":") && !strings.Contains(text, "%") {
		if _, err := netip.ParseAddr(hexRange.ReplaceAllString(text, "0")); err == nil {
			return true
		}
	}
	for label := range strings.SplitSeq(nameRange.ReplaceAllString(text, "0"), ".") {
		if !hostLabel.MatchString(label) || strings.HasSuffix(label, "_") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return true
}

// Expand gives the hosts that a definition such as web[01:20].example.com:22 stands for, and
// their port, 0 when there is none.
func Expand(pattern string) (hosts []string, port int, err error) {
	name, port, ok := ParseAddress(pattern)
	if !ok {
		name, port = pattern, 0
	}
	if !strings.Contains(name, "[") {
		return []string{name}, port, nil
	}
	hosts, err = expandRanges(name, nil)
	return hosts, port, err
}

func expandRanges(name string, hosts []string) ([]string, error) {
	head, rest, _ := strings.Cut(name, "[")
	bounds, tail, closed := strings.Cut(rest, "]")
	if !closed || strings.Contains(head+bounds+tail, "|") {
		return nil, fmt.Errorf("the host range in %q has no end: write name[first:last]", name)
	}
	seq, err := sequence(bounds)
	if err != nil {
		return nil, err
	}
	for _, middle := range seq {
		if len(hosts) >= MaxRange {
			return nil, fmt.Errorf("the host ranges in %q stand for more than %d hosts", name, MaxRange)
		}
		next := head + middle + tail
		if !strings.Contains(next, "[") {
			hosts = append(hosts, next)
		} else if hosts, err = expandRanges(next, hosts); err != nil {
			return nil, err
		}
	}
	return hosts, nil
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// sequence gives what begin:end or begin:end:step stands for.
func sequence(bounds string) ([]string, error) {
	parts := strings.Split(bounds, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
	}
	begin, end, step := parts[0], parts[1], 1
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, fmt.Errorf("host range must specify end value")
	}
	if len(parts) == 3 {
		n, err := strconv.Atoi(parts[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("the step of the host range [%s] must be a whole number above 0", bounds)
		}
		step = n
	}
	width := 0
	if begin[0] == '0' && len(begin) > 1 {
		if width = len(begin); width != len(end) {
			return nil, fmt.Errorf("host range must specify equal-length begin and end formats")
		}
	}
	if from, to := strings.Index(letters, begin), strings.Index(letters, end); from >= 0 && to >= 0 {
		if from > to {
			return nil, fmt.Errorf("host range must have begin <= end")
		}
		return letterRange(from, to, step), nil
	}
	return numberRange(bounds, begin, end, step, width)
}

func letterRange(from, to, step int) []string {
	var seq []string
	for i := from; i <= to; i += step {
		seq = append(seq, letters[i:i+1])
	}
	return seq
}

func numberRange(bounds, begin, end string, step, width int) ([]string, error) {
	from, err := strconv.Atoi(begin)
	to, err2 := strconv.Atoi(end)
	if err != nil || err2 != nil {
		return nil, fmt.Errorf("the host range [%s] must be of whole numbers or of letters", bounds)
	}
	if (to-from)/step >= MaxRange {
		return nil, fmt.Errorf("the host range [%s] stands for more than %d hosts", bounds, MaxRange)
	}
	var seq []string
	for i := from; i <= to; i += step {
		seq = append(seq, fmt.Sprintf("%0*d", width, i))
	}
	return seq, nil
}
