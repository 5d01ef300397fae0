package filter

import (
	"errors"
	"fmt"
	"math"
	"time"

	"tutti/internal/ansible/filter/clock"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

func toDatetime(_ *jinja.Call, a []any) (any, error) {
	text, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("strptime() argument 1 must be str, not %s", value.TypeName(a[0]))
	}
	layout, ok := a[1].(string)
	if !ok {
		return nil, fmt.Errorf("strptime() argument 2 must be str, not %s", value.TypeName(a[1]))
	}
	return clock.Parse(text, layout)
}

// The seconds that a year of four digits can have.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

func strftime(c *jinja.Call, a []any) (any, error) {
	at := c.Now()
	if a[1] != nil {
		seconds, err := toFloat(a[1])
		if err != nil {
			return nil, fmt.Errorf("Invalid value for epoch value (%s)", value.String(a[1])) // Ansible's own words
		}
		if math.IsNaN(seconds) || math.IsInf(seconds, 0) {
			return nil, errors.New("Invalid value NaN (not a number)") // Python's own words
		}
		if seconds < firstSecond || seconds > lastSecond {
			return nil, errors.New("timestamp out of range for platform time_t")
		}
		at = time.Unix(int64(math.Floor(seconds)), 0).In(at.Location())
	}
	if python.Truth(a[2]) {
		at = at.In(time.FixedZone("GMT", 0))
	}
	layout, ok := a[0].(string)
	if !ok {
		return nil, fmt.Errorf("strftime() argument 1 must be str, not %s", value.TypeName(a[0]))
	}
	return clock.Format(layout, at, clock.Options{}), nil
}
