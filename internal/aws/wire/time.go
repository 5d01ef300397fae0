package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tutti/internal/aws/catalog"
)

// http1123 is how HTTP writes dates.
const http1123 = "Mon, 02 Jan 2006 15:04:05 GMT"

// maxEpoch is the last second of the year 9999, the last that the formats can write.
const maxEpoch = 253402300799

// fromEpoch keeps milliseconds, as AWS does.
func fromEpoch(seconds float64) time.Time {
	return time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()
}

// formatTime writes a timestamp in the shape's own format, or the one that the place has by default.
func formatTime(t time.Time, shape *catalog.Shape, byDefault catalog.TimeFormat) string {
	switch timeFormat(shape, byDefault) {
	case catalog.Epoch:
		return epoch(t)
	case catalog.HTTPDate:
		return t.Format(http1123)
	default:
		return t.Format("2006-01-02T15:04:05.999999Z")
	}
}

func timeFormat(shape *catalog.Shape, byDefault catalog.TimeFormat) catalog.TimeFormat {
	if shape.Time == catalog.DefaultTime {
		return byDefault
	}
	return shape.Time
}

func epoch(t time.Time) string {
	whole, micro := t.Unix(), t.Nanosecond()/1000
	if micro == 0 {
		return strconv.FormatInt(whole, 10)
	}
	return strconv.FormatFloat(float64(whole)+float64(micro)/1e6, 'f', -1, 64)
}

// time writes a timestamp that came in: milliseconds, or as Java's Instant prints it, in UTC, with no fraction, or one of
// three, six or nine digits.
func (s Style) time(t time.Time) any {
	t = t.UTC()
	switch n := t.Nanosecond(); {
	case s.Milliseconds:
		return number(t.UnixMilli())
	case n == 0:
		return t.Format("2006-01-02T15:04:05Z")
	case n%1_000_000 == 0:
		return t.Format("2006-01-02T15:04:05.000Z")
	case n%1_000 == 0:
		return t.Format("2006-01-02T15:04:05.000000Z")
	default:
		return t.Format("2006-01-02T15:04:05.000000000Z")
	}
}

// readTime reads a timestamp of an answer. Services are not strict about their own formats, so any will do.
func (s Style) readTime(text string) (any, error) {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) <= maxEpoch {
		return s.time(fromEpoch(seconds)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, http1123, time.RFC1123Z, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return s.time(t), nil
		}
	}
	return nil, fmt.Errorf("%q is not a timestamp", text)
}
