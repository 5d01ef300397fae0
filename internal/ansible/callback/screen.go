package callback

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// defaultWidth is how wide banners are where there is no terminal.
const defaultWidth = 79

// minStars is how many stars the narrowest terminal shows behind a banner.
const minStars = 3

// screen writes text as Ansible's display does.
type screen struct {
	o Options
	// told are the warnings and errors that have been shown: each is shown once.
	told map[string]bool
}

func newScreen(o Options) *screen {
	if o.Width == 0 {
		o.Width = defaultWidth
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Err == nil {
		o.Err = io.Discard
	}
	return &screen{o: o, told: map[string]bool{}}
}

// colorCodes are the colours of terminals by their names in ansible.cfg.
var colorCodes = map[string]string{
	"black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34", "cyan": "0;36",
	"bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35", "bright red": "1;31", "yellow": "0;33",
	"bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33", "magenta": "0;35", "bright magenta": "1;35", "normal": "0",
}

// defaultColors are the colours for what is shown, where the user names no other.
var defaultColors = map[string]string{
	"changed": "yellow", "debug": "dark gray", "deprecate": "purple", "diff_add": "green", "diff_lines": "cyan", "diff_remove": "red",
	"error": "red", "highlight": "white", "included": "cyan", "ok": "green", "skip": "cyan", "unreachable": "bright red", "verbose": "blue",
	"warn": "bright purple",
}

var (
	numberedColor = regexp.MustCompile(`^color([0-9]+)`)
	mixedColor    = regexp.MustCompile(`^rgb([0-5])([0-5])([0-5])`)
	grayColor     = regexp.MustCompile(`^gray([0-9]+)`)
)

// code is the code of a colour by its name: a word, color123, rgb012 or gray12.
func code(name string) string {
	if m := numberedColor.FindStringSubmatch(name); m != nil {
		return "38;5;" + m[1]
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			return 0
		}
		return n
	}
	if m := mixedColor.FindStringSubmatch(name); m != nil {
		return "38;5;" + strconv.Itoa(16+36*number(m[1])+6*number(m[2])+number(m[3]))
	}
	if m := grayColor.FindStringSubmatch(name); m != nil {
		return "38;5;" + strconv.Itoa(232+number(m[1]))
	}
	if c, ok := colorCodes[name]; ok {
		return c
	}
	return colorCodes["normal"]
}

// colored puts every line of a text into the colour of what it is.
func (s *screen) colored(text, what string) string {
	if !s.o.Color || what == "" {
		return text
	}
	name := s.o.Colors[what]
	if name == "" {
		name = defaultColors[what]
	}
	c := code(name)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = "\x1b[" + c + "m" + line + "\x1b[0m"
	}
	return strings.Join(lines, "\n")
}

// show writes a text and the end of its line.
func (s *screen) show(text, what string) { s.write(s.o.Out, text, what, true) }

// failure writes what failed.
func (s *screen) failure(text, what string) {
	if s.o.FailedStderr {
		s.write(s.o.Err, text, what, true)
		return
	}
	s.write(s.o.Out, text, what, true)
}

func (s *screen) write(to io.Writer, text, what string, log bool) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	// A terminal that is gone is no reason to stop a play.
	_, _ = io.WriteString(to, s.colored(strings.TrimSuffix(text, "\n"), what)+"\n")
	if log && s.o.Log != nil {
		s.o.Log(strings.TrimLeft(text, "\n"))
	}
}

// banner writes a headline with stars to the end of the line.
func (s *screen) banner(text string) {
	text = strings.TrimSpace(text)
	stars := max(minStars, s.o.Width-runewidth.StringWidth(text))
	s.show("\n"+text+" "+strings.Repeat("*", stars), "")
}

// once reports whether a text was not told before.
func (s *screen) once(text string) bool {
	if s.told[text] {
		return false
	}
	s.told[text] = true
	return true
}

// Warning writes a warning, once.
func (s *screen) warning(text string) {
	if text = "[WARNING]: " + ended(text); s.once(text) {
		s.write(s.o.Err, text, "warn", true)
	}
}

// deprecated writes a notice of something that will go, once.
func (s *screen) deprecated(text string) {
	if s.o.NoDeprecations {
		return
	}
	s.warning("Deprecation warnings can be disabled by setting `deprecation_warnings=False` in ansible.cfg.")
	if text = "[DEPRECATION WARNING]: " + ended(text); s.once(text) {
		s.write(s.o.Err, text, "deprecate", true)
	}
}

// fault writes an error, once.
func (s *screen) fault(text string) {
	if text = "[ERROR]: " + ended(text); s.once(text) {
		s.failure(text, "error")
	}
}

// ended is a message with its end of line; an empty line follows one of several lines.
func ended(text string) string {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "\n") {
		return text + "\n\n"
	}
	return text + "\n"
}

// count is a number of the recap.
func (s *screen) count(name string, n int, what string) string {
	text := fmt.Sprintf("%s=%-4d", name, n)
	if n != 0 {
		return s.colored(text, what)
	}
	return text
}

// verbose reports whether something is shown at this verbosity.
func (s *screen) verbose(level int) bool { return s.o.Verbosity >= level }
