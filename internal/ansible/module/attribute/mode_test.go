package attribute

import (
	"fmt"
	"syscall"
	"testing"
)

func TestParseMode(t *testing.T) {
	const file, dir = syscall.S_IFREG, syscall.S_IFDIR
	for _, c := range []struct {
		mode   any
		before uint32
		want   uint32
	}{
		{"0644", file, 0o644}, {"644", file, 0o644}, {"0o755", file, 0o755}, {int64(0o600), file, 0o600}, {" 700 ", file, 0o700},
		{"u=rwx,g=rx,o=", file | 0o777, 0o750}, {"a+x", file | 0o644, 0o755}, {"+x", file | 0o644, 0o755}, {"u+s", file | 0o755, 0o4755},
		{"g+s", dir | 0o755, 0o2755}, {"o+t", dir | 0o777, 0o1777}, {"+X", file | 0o644, 0o644}, {"a+X", dir | 0o644, 0o755},
		{"a+X", file | 0o744, 0o755}, {"g=u", file | 0o740, 0o770}, {"o=g,g=", file | 0o654, 0o605}, {"u-w", file | 0o644, 0o444},
		{"u=rw-x+X", file | 0o755, 0o755}, {"u", file | 0o644, 0o644}, {"ug=rw", file, 0o660}, {"a=", file | 0o7777, 0}, {"u+rw-x", file | 0o100, 0o600},
	} {
		got, err := ParseMode(c.mode, c.before)
		if got != c.want || err != nil {
			t.Errorf("ParseMode(%v, %o) = %o, %v; want %o", c.mode, c.before, got, err, c.want)
		}
	}
	for _, bad := range []any{"u=q", "x", "z+r", "u+r,bad", "99", 1.5, true, "-5"} {
		if got, err := ParseMode(bad, file|0o644); err == nil {
			t.Errorf("ParseMode(%v) = %o, want an error", bad, got)
		}
	}
}

func FuzzParseMode(f *testing.F) {
	for _, seed := range []string{"0644", "u=rwx,g=rx", "+X", "=", "a-"} {
		f.Add(seed, uint32(0o644))
	}
	f.Fuzz(func(t *testing.T, mode string, before uint32) {
		got, err := ParseMode(mode, before)
		if err != nil || before > 0o177777 {
			return
		}
		if _, scanErr := fmt.Sscanf(mode, "%o", new(uint32)); scanErr != nil && got&^0o7777 != 0 {
			t.Errorf("%q gives %o", mode, got)
		}
	})
}
