package function

import (
	_ "embed" // for descriptionText
	"strings"
)

// descriptionText has one function on a line: its name, a colon and what it does.
//
//go:embed descriptions.txt
var descriptionText string

// readDescriptions gives what each function does, for the console, for editors
// and for "metadata functions".
func readDescriptions() map[string]string {
	out := make(map[string]string, 140)
	for line := range strings.Lines(descriptionText) {
		if name, text, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			out[name] = text
		}
	}
	return out
}
