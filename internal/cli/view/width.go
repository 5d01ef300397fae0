package view

import (
	"strconv"

	"github.com/mattn/go-runewidth"
)

func itoa(n int) string { return strconv.Itoa(n) }

// columns is how wide a text stands on a terminal.
func columns(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || s[i] < 0x20 {
			return runewidth.StringWidth(s)
		}
	}
	return len(s)
}

// cut shortens a text to the width.
func cut(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	if width < 4 {
		return runewidth.Truncate(s, max(width, 0), "")
	}
	return runewidth.Truncate(s, width, "...")
}

// pad fills a text with spaces up to the width.
func pad(s string, width int) string {
	n := width - columns(s)
	if n <= 0 {
		return s
	}
	return s + spaces(n)
}

const blank = "                                                                                "

// spaces gives n of them.
func spaces(n int) string {
	if n <= len(blank) {
		return blank[:n]
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = ' '
	}
	return string(b)
}
