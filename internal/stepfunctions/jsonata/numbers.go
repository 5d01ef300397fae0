package jsonata

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// The functions on numbers and booleans. Every one of them gives undefined for undefined.

func toNumber(_ *run, args []any) (any, error) {
	switch v := args[0].(type) {
	case undefined, float64, data.Number:
		return v, nil
	case bool:
		if v {
			return boxed(1), nil
		}
		return boxed(0), nil
	case string:
		if f, ok := parseNumber(v); ok {
			return boxed(f), nil
		}
	}
	return nil, &Error{Code: "D3030", Value: args[0], Index: 1}
}

// parseNumber reads what $number() takes: a JSON number, also with leading zeros, or 0x, 0o or 0b with digits.
func parseNumber(s string) (float64, bool) {
	if len(s) > 2 && s[0] == '0' {
		base := map[byte]int{'x': 16, 'X': 16, 'o': 8, 'O': 8, 'b': 2, 'B': 2}[s[1]]
		if n, ok := new(big.Int).SetString(s[2:], max(base, 2)); base > 0 && ok && s[2] != '-' && s[2] != '+' && !strings.Contains(s, "_") {
			f, _ := new(big.Float).SetInt(n).Float64()
			return f, !math.IsInf(f, 0)
		}
	}
	l := lexer{source: s}
	if strings.HasPrefix(s, "-") {
		l.at++
	}
	if l.digits() == 0 {
		return 0, false
	}
	if l.at < len(s) && s[l.at] == '.' {
		l.at++
		if l.digits() == 0 {
			return 0, false
		}
	}
	if l.at < len(s) && (s[l.at] == 'e' || s[l.at] == 'E') {
		l.at++
		if l.at < len(s) && (s[l.at] == '+' || s[l.at] == '-') {
			l.at++
		}
		if l.digits() == 0 {
			return 0, false
		}
	}
	f, _ := strconv.ParseFloat(s, 64)
	return f, l.at == len(s) && !math.IsInf(f, 0)
}

// numeric applies a function of one number.
func numeric(v any, f func(float64) float64) (any, error) {
	x, ok := number(v)
	if !ok {
		return Undefined, nil
	}
	return boxed(f(x)), nil
}

func abs(_ *run, args []any) (any, error)   { return numeric(args[0], math.Abs) }
func floor(_ *run, args []any) (any, error) { return numeric(args[0], math.Floor) }
func ceil(_ *run, args []any) (any, error)  { return numeric(args[0], math.Ceil) }

func roundFunction(_ *run, args []any) (any, error) {
	precision, _ := number(args[1])
	return numeric(args[0], func(f float64) float64 { return round(f, precision) })
}

// round rounds to a number of decimal places, halves to the even digit. Places are shifted in the decimal notation,
// since a multiplication would bring errors of its own.
func round(f, precision float64) float64 {
	f = shift(f, precision)
	whole := math.Floor(f)
	if f-whole >= 0.5 {
		whole++
	}
	if math.Abs(whole-f) == 0.5 && math.Abs(math.Mod(whole, 2)) == 1 {
		whole--
	}
	if whole = shift(whole, -precision); whole == 0 {
		return 0 // never -0
	}
	return whole
}

// shift multiplies by a power of ten.
func shift(f, places float64) float64 {
	if places == 0 || f-f != 0 {
		return f
	}
	var room [40]byte
	text := string(data.AppendFloat(room[:0], f))
	mantissa, exponent, _ := strings.Cut(text, "e")
	n, _ := strconv.ParseFloat(exponent, 64)
	shifted, err := strconv.ParseFloat(mantissa+"e"+strconv.FormatFloat(n+places, 'f', -1, 64), 64)
	if err != nil && shifted == 0 {
		return math.NaN() // the places are not a whole number
	}
	return shifted
}

// powerSteps is what an exact power costs.
const powerSteps = 200

func powerFunction(r *run, args []any) (any, error) {
	if err := r.work(powerSteps); err != nil {
		return nil, err
	}
	base, ok := number(args[0])
	if !ok {
		return Undefined, nil
	}
	exponent, ok := number(args[1])
	if !ok {
		exponent = math.NaN()
	}
	f := pow(base, exponent)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, &Error{Code: "D3061", Value: args[0], Value2: args[1], Index: 1}
	}
	return boxed(f), nil
}

// exactPower is how many binary digits a power may have before the point, or zeros behind it, to be worth exactness.
const exactPower = 1100

// powerPrecision is how many bits intermediate results have. The at most 11 squarings lose 11 of them.
const powerPrecision = 128

// pow is math.Pow, but correctly rounded: that can be off by some units in the last place, so that 8 to the power 1/3
// would not be 2.
func pow(base, exponent float64) float64 {
	if math.IsNaN(exponent) || math.Abs(base) == 1 && math.IsInf(exponent, 0) {
		return math.NaN() // where math.Pow follows C
	}
	rough := math.Pow(base, exponent) // exact for 0.5, which is the square root
	if exponent == 0.5 || rough == 0 || rough-rough != 0 || base-base != 0 || base == 0 || math.Abs(exponent) > exactPower {
		return rough
	}
	whole := math.Trunc(exponent)
	result := wholePower(base, uint(math.Abs(whole)))
	if whole < 0 {
		result.Quo(precise(1), result)
	}
	if fraction := exponent - whole; fraction != 0 {
		result.Mul(result, exponential(new(big.Float).Mul(precise(fraction), logarithm(base))))
	}
	f, _ := result.Float64()
	return f
}

func precise(f float64) *big.Float { return new(big.Float).SetPrec(powerPrecision).SetFloat64(f) }

func wholePower(base float64, n uint) *big.Float {
	result, square := precise(1), precise(base)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			result.Mul(result, square)
		}
		square.Mul(square, square)
	}
	return result
}

// logarithm gives the natural logarithm of a positive number: that of its mantissa and as many of 2 as its exponent.
func logarithm(f float64) *big.Float {
	mantissa, exponent := math.Frexp(f)
	twos := new(big.Float).Mul(precise(float64(exponent)), nearLogarithm(2))
	return twos.Add(twos, nearLogarithm(mantissa))
}

// nearLogarithm is for numbers between 1/2 and 2: the series of 2 artanh((f-1)/(f+1)).
func nearLogarithm(f float64) *big.Float {
	z := precise(f)
	z.Quo(new(big.Float).Sub(precise(f), precise(1)), z.Add(z, precise(1)))
	square := new(big.Float).Mul(z, z)
	sum, power := precise(0), new(big.Float).Set(z)
	for n := 1.0; n < powerPrecision; n += 2 {
		sum.Add(sum, new(big.Float).Quo(power, precise(n)))
		power.Mul(power, square)
	}
	return sum.Add(sum, sum)
}

// exponential is the series of e to a power, which is halved so often that few terms are enough, and squared as often.
func exponential(x *big.Float) *big.Float {
	const halvings = 20
	small := new(big.Float).SetMantExp(x, -halvings)
	sum, term := precise(1), precise(1)
	for n := 1.0; n < 16; n++ {
		term.Mul(term, small)
		term.Quo(term, precise(n))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

func sqrt(_ *run, args []any) (any, error) {
	f, ok := number(args[0])
	if ok && f < 0 {
		return nil, &Error{Code: "D3060", Value: args[0], Index: 1}
	}
	return numeric(args[0], math.Sqrt)
}

func random(r *run, _ []any) (any, error) { return result(r.random()) }

func (r *run) random() (float64, error) {
	if r.options.Random == nil {
		return 0, &Error{Code: "U1004"}
	}
	return r.options.Random(), nil
}

func formatBase(_ *run, args []any) (any, error) {
	f, ok := number(args[0])
	if !ok {
		return Undefined, nil
	}
	radix := 10.0
	if r, ok := number(args[1]); ok {
		radix = round(r, 0)
	}
	if radix < 2 || radix > 36 {
		return nil, &Error{Code: "D3100", Value: radix}
	}
	f = round(f, 0)
	if radix == 10 || f-f != 0 {
		return string(data.AppendFloat(nil, f)), nil
	}
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	var out []byte
	whole := math.Abs(f)
	for ; whole >= 1<<53; whole /= radix {
		out = append(out, '0') // digits beyond what a float64 holds
	}
	for n := uint64(whole); n > 0 || len(out) == 0; n /= uint64(radix) {
		out = append(out, digits[n%uint64(radix)])
	}
	if f < 0 {
		out = append(out, '-')
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out), nil
}

// fold goes through an array of numbers; nil is undefined, and so is an empty array unless empty is given.
func fold(r *run, v any, empty any, step func(total, x float64) float64, end func(total float64, n int) float64) (any, error) {
	items, ok := list(v)
	if !ok {
		return Undefined, nil
	}
	if len(items) == 0 {
		return empty, nil
	}
	if err := r.work(len(items)); err != nil {
		return nil, err
	}
	total, _ := number(items[0])
	for _, item := range items[1:] {
		x, _ := number(item)
		total = step(total, x)
	}
	return boxed(end(total, len(items))), nil
}

func plus(a, b float64) float64           { return a + b }
func itself(total float64, _ int) float64 { return total }

func sum(r *run, args []any) (any, error) { return fold(r, args[0], boxed(0), plus, itself) }

func maximum(r *run, args []any) (any, error) {
	return fold(r, args[0], Undefined, math.Max, itself)
}

func minimum(r *run, args []any) (any, error) {
	return fold(r, args[0], Undefined, math.Min, itself)
}

func average(r *run, args []any) (any, error) {
	return fold(r, args[0], Undefined, plus, func(total float64, n int) float64 { return total / float64(n) })
}

func boolean(_ *run, args []any) (any, error) {
	if isUndefined(args[0]) {
		return Undefined, nil
	}
	return result(truth(args[0]))
}

func not(_ *run, args []any) (any, error) {
	if isUndefined(args[0]) {
		return Undefined, nil
	}
	yes, err := truth(args[0])
	return result(!yes, err)
}

func exists(_ *run, args []any) (any, error) { return !isUndefined(args[0]), nil }
