package real

import (
	"errors"
	"math"
	"testing"
)

// The values are those of Python 3.11 with the C library of Debian 12.
func TestNumbersAreThoseOfPython(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func() (float64, error)
		want float64
	}{
		{"log10(1000)", func() (float64, error) { return Log10(1000) }, 3},
		{"log10(1e-300)", func() (float64, error) { return Log10(1e-300) }, -300},
		{"log10(2)", func() (float64, error) { return Log10(2) }, 0.3010299956639812},
		{"log(10)", func() (float64, error) { return Log(10) }, 2.302585092994046},
		{"log(1)", func() (float64, error) { return Log(1) }, 0},
		{"pow(1.1, 10)", func() (float64, error) { return Pow(1.1, 10) }, 2.5937424601000023},
		{"pow(2, 0.5)", func() (float64, error) { return Pow(2, 0.5) }, 1.4142135623730951},
		{"pow(27, 1/3)", func() (float64, error) { return Pow(27, 1.0/3) }, 3},
		{"pow(-2, 3)", func() (float64, error) { return Pow(-2, 3) }, -8},
		{"pow(10, 308)", func() (float64, error) { return Pow(10, 308) }, 1e308},
		{"pow(2, -1074)", func() (float64, error) { return Pow(2, -1074) }, 5e-324},
		{"pow(inf, 1)", func() (float64, error) { return Pow(math.Inf(1), 1) }, math.Inf(1)},
		{"pow(0, 0)", func() (float64, error) { return Pow(0, 0) }, 1},
	} {
		if got, err := c.f(); err != nil || got != c.want {
			t.Errorf("%s: got %v (%v), want %v", c.name, got, err, c.want)
		}
	}
}

func TestWhatHasNoValueIsAnError(t *testing.T) {
	for _, c := range []struct {
		name string
		f    func() (float64, error)
		want error
	}{
		{"log(0)", func() (float64, error) { return Log(0) }, ErrDomain},
		{"log10(-1)", func() (float64, error) { return Log10(-1) }, ErrDomain},
		{"pow(0, -1)", func() (float64, error) { return Pow(0, -1) }, ErrDomain},
		{"pow(-2, 0.5)", func() (float64, error) { return Pow(-2, 0.5) }, ErrDomain},
		{"pow(10, 309)", func() (float64, error) { return Pow(10, 309) }, ErrRange},
	} {
		if _, err := c.f(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}
