package attribute

import (
	"os"
	"strconv"
	"strings"
)

// Umask gives the umask of this process. It is read from /proc, because setting it to read it
// would change it for everybody else in the process meanwhile.
func Umask() uint32 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0o022
	}
	for line := range strings.Lines(string(data)) {
		if text, ok := strings.CutPrefix(line, "Umask:"); ok {
			if n, err := strconv.ParseUint(strings.TrimSpace(text), 8, 32); err == nil {
				return uint32(n)
			}
		}
	}
	return 0o022
}
