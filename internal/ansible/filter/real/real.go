// Package real computes logarithms and powers to the last bit, as the C library under Python
// does and Go's own math package, on some machines, does not quite: log10(1000) is 3. Floats
// go in, the nearest floats come out. The package is pure.
package real

import (
	"errors"
	"math"
	"math/big"
)

// precision is that of the numbers in between, in bits; floats have 53.
const precision = 200

// terms is how many terms of a series are enough for the precision.
const terms = 80

// The errors of Python's math module.
var (
	ErrDomain = errors.New("math domain error")
	ErrRange  = errors.New("math range error")
)

func number(f float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(f) }
func blank() *big.Float           { return new(big.Float).SetPrec(precision) }

// ln2 is the logarithm of 2: twice the area tangent of 1/3.
func ln2() *big.Float { return areaTangent(blank().Quo(number(1), number(3))) }

// areaTangent gives 2·artanh(z) for a small z, by its series.
func areaTangent(z *big.Float) *big.Float {
	square := blank().Mul(z, z)
	power, sum := blank().Set(z), blank().Set(z)
	for n := 3; n < 2*terms; n += 2 {
		power.Mul(power, square)
		sum.Add(sum, blank().Quo(power, number(float64(n))))
	}
	return sum.Add(sum, sum)
}

// ln gives the logarithm of a finite number above 0.
func ln(x float64) *big.Float {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = m*2, e-1
	}
	of := number(m)
	z := blank().Quo(blank().Sub(of, number(1)), blank().Add(of, number(1)))
	result := areaTangent(z)
	return result.Add(result, blank().Mul(ln2(), number(float64(e))))
}

func float(x *big.Float) float64 {
	f, _ := x.Float64()
	return f
}

// Log is math.log(x).
func Log(x float64) (float64, error) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x, nil
	case x <= 0:
		return 0, ErrDomain
	}
	return float(ln(x)), nil
}

// Log10 is math.log10(x).
func Log10(x float64) (float64, error) {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 1):
		return x, nil
	case x <= 0:
		return 0, ErrDomain
	}
	return float(blank().Quo(ln(x), ln(10))), nil
}

// exp gives e to the power of x, which must not be so large that a float could not hold it.
func exp(x *big.Float) *big.Float {
	halves, _ := blank().Quo(x, ln2()).Float64()
	k := math.Round(halves)
	rest := blank().Sub(x, blank().Mul(ln2(), number(k)))
	term, sum := number(1), number(1)
	for n := 1; n < terms; n++ {
		term.Mul(term, rest)
		term.Quo(term, number(float64(n)))
		sum.Add(sum, term)
	}
	return sum.SetMantExp(sum, int(k))
}

// Pow is math.pow(x, y).
func Pow(x, y float64) (float64, error) {
	rough := math.Pow(x, y)
	finite := !math.IsInf(x, 0) && !math.IsNaN(x) && !math.IsInf(y, 0) && !math.IsNaN(y)
	switch {
	case !finite || x == 1 || y == 0:
		return rough, nil
	case x == 0 && y < 0, x < 0 && y != math.Trunc(y):
		return 0, ErrDomain
	case math.IsInf(rough, 0):
		return 0, ErrRange
	case rough == 0 || math.Abs(rough) < 1e-307:
		return rough, nil
	}
	result := float(exp(blank().Mul(ln(math.Abs(x)), number(y))))
	if math.Signbit(rough) {
		result = -result
	}
	if math.IsInf(result, 0) {
		return 0, ErrRange
	}
	return result, nil
}
