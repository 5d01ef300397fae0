package file

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// stamp is what a file's time has to be: kept, now, or a time.
type stamp struct {
	now  bool
	time *time.Time
}

func (s stamp) kept() bool { return !s.now && s.time == nil }

type stamps struct{ modified, accessed stamp }

func (s stamps) some() bool { return !s.modified.kept() || !s.accessed.kept() }

// times reads the arguments about times; touch means now, all else to keep them.
func (f *filer) times(state string) (stamps, error) {
	read := func(name string) (stamp, error) {
		text := f.String(name)
		if !f.Given(name) {
			text = "preserve"
			if state == "touch" {
				text = "now"
			}
		}
		switch text {
		case "preserve":
			return stamp{}, nil
		case "now":
			return stamp{now: true}, nil
		}
		format := f.String(name + "_format")
		t, err := parseTime(text, format)
		if err != nil {
			return stamp{}, attribute.Failed(fmt.Sprintf("Error while obtaining timestamp for time %s using format %s: %s", text, format, err))
		}
		return stamp{time: &t}, nil
	}
	modified, err := read("modification_time")
	if err != nil {
		return stamps{}, err
	}
	accessed, err := read("access_time")
	return stamps{modified, accessed}, err
}

// apply gives a file its times and tells whether they were others.
func (s stamps) apply(c *module.Call, path string, d *attribute.Diff) (bool, error) {
	if !s.some() {
		return false, nil
	}
	failed := func(err error) error {
		return attribute.Failed("Error while updating modification or access time: "+attribute.OSError(err, path), "path", path)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return false, failed(err)
	}
	now := time.Now()
	pick := func(s stamp, before syscall.Timespec) time.Time {
		switch {
		case s.now:
			return now
		case s.time != nil:
			return *s.time
		}
		return time.Unix(before.Unix())
	}
	modified, accessed := pick(s.modified, st.Mtim), pick(s.accessed, st.Atim)
	beforeM, beforeA := time.Unix(st.Mtim.Unix()), time.Unix(st.Atim.Unix())
	if modified.Equal(beforeM) && accessed.Equal(beforeA) {
		return false, nil
	}
	if !c.CheckMode {
		var err error
		if s.modified.now && s.accessed.now {
			// Who may write to a file may do this without owning it.
			err = syscall.UtimesNano(path, []syscall.Timespec{{Nsec: utimeNow}, {Nsec: utimeNow}})
		} else {
			err = os.Chtimes(path, accessed, modified)
		}
		if err != nil {
			return false, failed(err)
		}
	}
	if !modified.Equal(beforeM) {
		d.Set("mtime", seconds(st.Mtim), unix(modified))
	}
	if !accessed.Equal(beforeA) {
		d.Set("atime", seconds(st.Atim), unix(accessed))
	}
	return true, nil
}

// utimeNow is UTIME_NOW: the kernel takes its own time.
const utimeNow = 1<<30 - 1

func unix(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// parseTime reads a local time by the common directives of strptime.
func parseTime(text, format string) (time.Time, error) {
	refused := fmt.Errorf("time data '%s' does not match format '%s'", text, format)
	p := timeParser{rest: text, year: 1900, month: 1, day: 1}
	for i := 0; i < len(format); i++ {
		switch {
		case format[i] == '%' && i+1 < len(format):
			i++
			if !p.directive(format[i]) {
				return time.Time{}, refused
			}
		case p.rest == "" || p.rest[0] != format[i]:
			return time.Time{}, refused
		default:
			p.rest = p.rest[1:]
		}
	}
	if p.rest != "" {
		return time.Time{}, fmt.Errorf("unconverted data remains: %s", p.rest)
	}
	if p.day > time.Date(p.year, time.Month(p.month)+1, 0, 0, 0, 0, 0, time.UTC).Day() {
		return time.Time{}, refused
	}
	return time.Date(p.year, time.Month(p.month), p.day, p.hour, p.minute, p.second, 0, time.Local), nil
}

type timeParser struct {
	rest                                   string
	year, month, day, hour, minute, second int
}

// number reads at most n digits.
func (p *timeParser) number(n, low, high int, into *int) bool {
	v, i := 0, 0
	for i < n && i < len(p.rest) && p.rest[i] >= '0' && p.rest[i] <= '9' {
		v = v*10 + int(p.rest[i]-'0')
		i++
	}
	p.rest = p.rest[i:]
	*into = v
	return i > 0 && v >= low && v <= high
}

func (p *timeParser) directive(c byte) bool {
	switch c {
	case 'Y':
		return p.number(4, 1, 9999, &p.year)
	case 'y':
		if !p.number(2, 0, 99, &p.year) {
			return false
		}
		if p.year += 1900; p.year < 1969 {
			p.year += 100
		}
		return true
	case 'm':
		return p.number(2, 1, 12, &p.month)
	case 'd':
		return p.number(2, 1, 31, &p.day)
	case 'H':
		return p.number(2, 0, 23, &p.hour)
	case 'M':
		return p.number(2, 0, 59, &p.minute)
	case 'S':
		return p.number(2, 0, 61, &p.second)
	case '%':
		if len(p.rest) == 0 || p.rest[0] != '%' {
			return false
		}
		p.rest = p.rest[1:]
		return true
	}
	return false
}
