package intrinsic

import (
	"errors"

	"tutti/internal/stepfunctions/data"
)

func mathAdd(args []any, _ Scope) (any, error) {
	a, err := integerAt(args, 0)
	if err != nil {
		return nil, err
	}
	b, err := integerAt(args, 1)
	if err != nil {
		return nil, err
	}
	sum := a + b
	if sum < -MaxInteger-1 || sum > MaxInteger {
		return nil, errors.New("the sum has more than 32 bits")
	}
	return data.Integer(sum), nil
}

// mathRandom gives a whole number from the first one on, and below the second one. The
// same seed gives the same number.
func mathRandom(args []any, scope Scope) (any, error) {
	start, err := integerAt(args, 0)
	if err != nil {
		return nil, err
	}
	end, err := integerAt(args, 1)
	if err != nil {
		return nil, err
	}
	if start >= end {
		return nil, errors.New("the start must lie below the end")
	}
	if len(args) == 2 {
		return data.Integer(start + int64(scope.Random()*float64(end-start))), nil
	}
	seed, ok := data.Int(args[2])
	if !ok {
		return nil, wrong(args, 2, "a whole number")
	}
	return data.Integer(start + int64(seeded(seed)*float64(end-start))), nil
}

// seeded gives the number from 0 up to 1 that follows from a seed, by SplitMix64.
// Which generator the service has is not documented; what counts is that a seed always
// gives the same number, and that neighbours give others.
func seeded(seed int64) float64 {
	z := uint64(seed) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	return float64(z>>11) / (1 << 53)
}
