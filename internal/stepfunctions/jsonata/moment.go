package jsonata

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// moment is a point in time in UTC, taken apart by the Gregorian calendar.
type moment struct {
	millis                         int64 // since 1970
	year, month, day               int
	hour, minute, second, fraction int
}

const (
	millisADay = 24 * 60 * 60 * 1000
	// maxMillis is how far a timestamp may be from 1970, as in ECMAScript.
	maxMillis = 8.64e15
)

func momentOf(millis int64) moment {
	days := floorDiv(millis, millisADay)
	rest := int(millis - days*millisADay)
	t := moment{millis: millis, hour: rest / 3600000, minute: rest / 60000 % 60, second: rest / 1000 % 60, fraction: rest % 1000}
	t.year, t.month, t.day = civil(days)
	return t
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// civil gives the date of a day, counted from 1970, in years that begin in March, so that leap days come last.
func civil(days int64) (year, month, day int) {
	days += 719468 // from 0000-03-01
	era := floorDiv(days, 146097)
	inEra := days - era*146097
	yearOfEra := (inEra - inEra/1460 + inEra/36524 - inEra/146096) / 365
	inYear := inEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	shifted := (5*inYear + 2) / 153
	day = int(inYear - (153*shifted+2)/5 + 1)
	month = int(shifted+2)%12 + 1
	year = int(yearOfEra + era*400)
	if month <= 2 {
		year++
	}
	return year, month, day
}

// dayNumber gives the day of a date, counted from 1970. Months beyond the year run on.
func dayNumber(year, month, day int) int64 {
	y := int64(year) + floorDiv(int64(month-1), 12)
	m := int64(month-1) - floorDiv(int64(month-1), 12)*12 + 1
	if m <= 2 {
		y--
	}
	era := floorDiv(y, 400)
	yearOfEra := y - era*400
	inYear := (153*((m+9)%12)+2)/5 + int64(day) - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + inYear - 719468
}

// firstWeek gives the day on which the first ISO week of a year or month begins: the week with its first Thursday.
func firstWeek(year, month int) int64 {
	first := dayNumber(year, month, 1)
	weekday := weekdayOf(first)
	if weekday > 4 {
		return first + 8 - int64(weekday)
	}
	return first - int64(weekday) + 1
}

// weekdayOf gives 1 for Monday to 7 for Sunday.
func weekdayOf(day int64) int { return int((day+3)-floorDiv(day+3, 7)*7) + 1 }

// component gives what a component of a picture stands for.
func (t moment) component(c byte) int {
	switch c {
	case 'Y':
		return t.year
	case 'M':
		return t.month
	case 'D':
		return t.day
	case 'd':
		return int(t.today()-dayNumber(t.year, 1, 1)) + 1
	case 'F':
		return weekdayOf(t.today())
	case 'W':
		return week(t.today(), firstWeek(t.year-1, 1), firstWeek(t.year, 1), firstWeek(t.year+1, 1))
	case 'w':
		return week(t.today(), firstWeek(t.year, t.month-1), firstWeek(t.year, t.month), firstWeek(t.year, t.month+1))
	case 'X':
		return t.year + t.weekBelongsTo(firstWeek(t.year, 1), firstWeek(t.year+1, 1))
	case 'x':
		return (t.month-1+t.weekBelongsTo(firstWeek(t.year, t.month), firstWeek(t.year, t.month+1))+12)%12 + 1
	case 'H':
		return t.hour
	case 'h':
		return (t.hour+11)%12 + 1
	case 'm':
		return t.minute
	case 's':
		return t.second
	}
	return t.fraction
}

func (t moment) today() int64 { return floorDiv(t.millis, millisADay) }

// week gives the number of the week in a period, of which and of whose neighbours the first weeks are known.
func week(today, before, this, next int64) int {
	switch {
	case today >= next:
		return 1
	case today < this:
		return int(today-before)/7 + 1
	}
	return int(today-this)/7 + 1
}

// weekBelongsTo tells whether the week belongs to the period before (-1), this one (0) or the next (1).
func (t moment) weekBelongsTo(this, next int64) int {
	switch today := t.today(); {
	case today < this:
		return -1
	case today >= next:
		return 1
	}
	return 0
}

// utc gives the milliseconds of a date and time whose parts may run over. Like ECMAScript's Date.UTC it takes the years
// 0 to 99 for 1900 to 1999.
func utc(year, month, day, hour, minute, second, fraction float64) float64 {
	for _, part := range [...]float64{year, month, day, hour, minute, second, fraction} {
		if math.IsNaN(part) || math.Abs(part) > 1e8 {
			return math.NaN()
		}
	}
	if year >= 0 && year <= 99 {
		year += 1900
	}
	days := dayNumber(int(year), int(month), 1) + int64(day) - 1
	millis := float64(days)*millisADay + math.Trunc(hour)*3600000 + math.Trunc(minute)*60000 + math.Trunc(second)*1000 + math.Trunc(fraction)
	if math.Abs(millis) > maxMillis {
		return math.NaN()
	}
	return millis
}

func now(r *run, args []any) (any, error) {
	return formatMillis(r, float64(r.options.Now.UnixMilli()), args[0], args[1])
}

func millis(r *run, _ []any) (any, error) { return float64(r.options.Now.UnixMilli()), nil }

func fromMillis(r *run, args []any) (any, error) {
	f, ok := number(args[0])
	if !ok {
		return Undefined, nil
	}
	return formatMillis(r, f, args[1], args[2])
}

func formatMillis(r *run, f float64, pictureArg, zoneArg any) (any, error) {
	hours, minutes := 0, 0
	if zone, ok := zoneArg.(string); ok {
		offset := leadingInteger(zone)
		if math.IsNaN(offset) || math.Abs(offset) > 1e6 {
			return nil, &Error{Code: "D3134", Value: zone}
		}
		hours, minutes = int(math.Floor(offset/100)), int(math.Mod(offset, 100))
	}
	picture, ok := pictureArg.(string)
	if !ok {
		picture = isoPicture
	}
	p, err := parseDatePicture(picture)
	if err != nil {
		return nil, err
	}
	f = math.Trunc(f) + float64(60*hours+minutes)*60000
	if !(math.Abs(f) <= maxMillis) {
		return nil, &Error{Code: "D1001", Value: f}
	}
	text, err := p.format(momentOf(int64(f)), hours, minutes)
	if err != nil {
		return nil, err
	}
	return text, r.chargeText(len(text) + 8*len(picture))
}

func toMillis(r *run, args []any) (any, error) {
	text, ok := args[0].(string)
	if !ok {
		return Undefined, nil
	}
	if err := r.work(len(text)); err != nil {
		return nil, err
	}
	if picture, ok := args[1].(string); ok {
		return parseMoment(r, text, picture)
	}
	return parseISO(text)
}

var (
	isoTimestamp = regexp.MustCompile(`^(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(T[0-2]\d:[0-5]\d:[0-5]\d)?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?$`)
	zoneDigits   = strings.NewReplacer(":", "", "+", "")
)

// parseISO reads an ISO 8601 timestamp; NaN for one of a day or hour that there is not.
func parseISO(text string) (any, error) {
	parts := isoTimestamp.FindStringSubmatch(text)
	if parts == nil {
		return nil, &Error{Code: "D3110", Value: text}
	}
	two := func(s string, otherwise float64) float64 {
		if s == "" {
			return otherwise
		}
		n, _ := strconv.ParseFloat(s, 64)
		return n
	}
	year, month, day := two(parts[1], 0), two(parts[2], 1), two(parts[3], 1)
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return math.NaN(), nil
	}
	hour, minute, second, fraction := 0.0, 0.0, 0.0, 0.0
	zone := parts[6]
	if time := parts[4]; time != "" {
		hour, minute, second = two(time[1:3], 0), two(time[4:6], 0), two(time[7:9], 0)
		if parts[5] != "" {
			fraction = math.Floor(two("0"+(parts[5] + "00")[:4], 0) * 1000.0000001)
		}
	} else if parts[5] != "" || zone != "" && zone != "Z" {
		return math.NaN(), nil
	}
	if hour > 24 || hour == 24 && minute+second+fraction > 0 {
		return math.NaN(), nil
	}
	millis := float64(dayNumber(int(year), int(month), int(day)))*millisADay + hour*3600000 + minute*60000 + second*1000 + fraction
	if zone != "" && zone != "Z" {
		offset, _ := strconv.Atoi(zoneDigits.Replace(zone))
		if offset/100 > 23 || offset/100 < -23 {
			return math.NaN(), nil
		}
		millis -= float64(offset/100*60+offset%100) * 60000
	}
	return millis, nil
}
