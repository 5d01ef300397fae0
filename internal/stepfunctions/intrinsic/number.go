package intrinsic

import (
	"errors"
	"math"

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
		return data.Integer(start + int64(math.Floor(scope.Random()*float64(end-start)))), nil
	}
	seed, err := integerAt(args, 2)
	if err != nil {
		return nil, err
	}
	return data.Integer(start + seeded(seed, end-start)), nil
}

// seeded gives the first number below a bound of up to 33 bits that follows from a
// seed: two steps of the generator of java.util.Random. Which generator the service
// has is not documented; what counts is that a seed always gives the same.
func seeded(seed, below int64) int64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (uint64(seed) ^ multiplier) & mask
	state = (state*multiplier + 0xB) & mask
	high := state >> 22
	state = (state*multiplier + 0xB) & mask
	low := state >> 21
	// 53 bits, as nextDouble makes them.
	return int64(float64(high<<27+low) / (1 << 53) * float64(below))
}
