package argument

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"tutti/internal/ansible/value"
)

func (t Type) name() string {
	if t == "" {
		return string(Str)
	}
	return string(t)
}

// typeName is Python's name of a JSON value's type.
func typeName(v any) string { return value.TypeName(value.FromGo(v)) }

func class(v any) string { return "<class '" + typeName(v) + "'>" }

// convert makes a value of a type out of another, as Ansible does, or says why not.
func (h Host) convert(t Type, v any) (any, error) {
	if i, ok := v.(int); ok {
		v = int64(i)
	}
	switch t {
	case Str, "":
		return toText(v), nil
	case Path:
		s := toText(v)
		if h.Expand != nil {
			s = h.Expand(s)
		}
		return s, nil
	case Bool:
		return toBool(v)
	case Int:
		return toInt(v)
	case Float:
		return toFloat(v)
	case List:
		return toList(v)
	case Dict:
		return toDict(v)
	case Raw:
		return v, nil
	case JSONArg, "json":
		return toJSON(v)
	case Bytes:
		return toBytes(v, false)
	case Bits:
		return toBytes(v, true)
	default:
		return nil, fmt.Errorf("there is no such type")
	}
}

func toText(v any) string {
	if v == nil {
		return ""
	}
	return text(v)
}

func toBool(v any) (any, error) {
	switch v.(type) {
	case bool, string, int64, float64:
	default:
		return nil, fmt.Errorf("%s cannot be converted to a bool", class(v))
	}
	if b, ok := truth(v); ok {
		return b, nil
	}
	// Ansible lists the words in the order of a set, which is another in every process.
	//lint:ignore ST1005 these are Ansible's own words
	return nil, fmt.Errorf("The value '%s' is not a valid boolean. Valid booleans include: "+
		"0, 1, 'n', 'no', 'off', '0', 'false', 'f', 'y', 'yes', 'on', '1', 'true', 't'", text(v))
}

// truth is what a value means as a yes or no, when it means that.
func truth(v any) (yes, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v == 1, v == 0 || v == 1
	case float64:
		return v == 1, v == 0 || v == 1
	case string:
		switch strings.TrimSpace(strings.ToLower(v)) {
		case "y", "yes", "on", "1", "true", "t":
			return true, true
		case "n", "no", "off", "0", "false", "f":
			return false, true
		}
	}
	return false, false
}

var decimal = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)([eE]([+-]?\d{1,4}))?$`)

func toInt(v any) (any, error) {
	refused := fmt.Errorf(`"%s" cannot be converted to an int`, value.Repr(value.FromGo(v)))
	switch v := v.(type) {
	case int64:
		return v, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > 1<<62 {
			return nil, refused
		}
		return int64(v), nil
	case string:
		s := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if !decimal.MatchString(s) {
			return nil, refused
		}
		n, ok := new(big.Rat).SetString(s)
		if !ok || !n.IsInt() || !n.Num().IsInt64() {
			return nil, refused
		}
		return n.Num().Int64(), nil
	}
	return nil, refused
}

func toFloat(v any) (any, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case int64:
		return float64(v), nil
	case bool:
		if v {
			return 1.0, nil
		}
		return 0.0, nil
	case string:
		// Python lets underscores stand between digits; nothing else that Go reads differs but hexadecimals.
		s := strings.ReplaceAll(strings.TrimSpace(v), "_", "")
		if f, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "xX_pP") {
			return f, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be converted to a float", class(v))
}

func toList(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list, nil
	case string:
		return splitList(v), nil
	case int64, float64, bool:
		return []any{text(v)}, nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a list", class(v))
}

func splitList(s string) []any {
	parts := strings.Split(s, ",")
	list := make([]any, len(parts))
	for i, p := range parts {
		list[i] = p
	}
	return list
}

func toDict(v any) (any, error) {
	if m, ok := v.(map[string]any); ok {
		return m, nil
	}
	s, ok := v.(string)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s cannot be converted to a dict", class(v))
	case strings.HasPrefix(s, "{"):
		return dictOf(s)
	case strings.Contains(s, "="):
		return pairs(s)
	default:
		return nil, errors.New("dictionary requested, could not parse JSON or key=value")
	}
}

func dictOf(s string) (any, error) {
	if parsed, err := value.ParseJSON([]byte(s)); err == nil {
		return value.ToGo(parsed), nil
	}
	if m, ok := parseLiteral(s).(map[string]any); ok {
		return m, nil
	}
	return nil, errors.New("unable to evaluate string as dictionary")
}

// pairs reads "a=1 b='two words', c=3".
func pairs(s string) (any, error) {
	var fields []string
	var field strings.Builder
	flush := func() {
		if field.Len() > 0 {
			fields = append(fields, field.String())
		}
		field.Reset()
	}
	quote, escaped := rune(0), false
	for _, r := range strings.TrimSpace(s) {
		switch {
		case escaped:
			field.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == ',' || r == ' '):
			flush()
		default:
			field.WriteRune(r)
		}
	}
	flush()
	m := make(map[string]any, len(fields))
	for _, f := range fields {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			return nil, errors.New(`unable to evaluate string in the "key=value" format as dictionary`)
		}
		m[k] = v
	}
	return m, nil
}

func toJSON(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case []any, map[string]any:
		return JSON(v), nil
	}
	return nil, fmt.Errorf("%s cannot be converted to a json string", class(v))
}

var size = regexp.MustCompile(`^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$`)

// toBytes reads "10K" or, for bits, "10Kb".
func toBytes(v any, bits bool) (any, error) {
	kind, word, letter := "Byte", "byte", "B"
	if bits {
		kind, word, letter = "Bit", "bit", "b"
	}
	refused := fmt.Errorf("%s cannot be converted to a %s value", class(v), kind)
	m := size.FindStringSubmatch(text(v))
	if m == nil {
		return nil, refused
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, refused
	}
	unit := m[2]
	if unit == "" {
		return int64(math.RoundToEven(n)), nil
	}
	rangeKey := strings.ToUpper(unit[:1])
	power := strings.Index("BKMGTPEZY", rangeKey)
	if power < 0 {
		return nil, refused
	}
	if len(unit) > 1 {
		prefix := [...]string{"", "kilo", "mega", "giga", "tera", "peta", "exa", "zeta", "yotta"}[power]
		short := rangeKey + letter
		if power == 0 {
			short = letter
		}
		if strings.ToLower(unit) != prefix+word && unit != short {
			return nil, refused
		}
	}
	n = math.RoundToEven(n * math.Pow(1024, float64(power)))
	if n >= math.MaxInt64 {
		return n, nil
	}
	return int64(n), nil
}
