package jsonata

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"math"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// Service gives the functions that AWS Step Functions adds to the language ($partition, $range, $hash, $random, $uuid,
// $parse), and takes away $eval, which it does not have ("Transforming data with JSONata in Step Functions" in its
// developer guide). random gives numbers in [0,1), uuid gives a UUID of version 4; a function whose source is nil is an
// error when it is called.
func Service(random func() float64, uuid func() string) map[string]Function {
	return map[string]Function{
		"partition": {Signature: "<an:a>", Call: partition},
		"range":     {Signature: "<nnn:a>", Call: rangeOf},
		"hash":      {Signature: "<s-s:s>", Call: hash},
		"random":    {Signature: "<n?:n>", Call: func(args []any) (any, error) { return serviceRandom(random, args) }},
		"uuid": {Signature: "<:s>", Call: func([]any) (any, error) {
			if uuid == nil {
				return nil, &Error{Code: "U1004"}
			}
			return uuid(), nil
		}},
		"parse": {Signature: "<s-:x>", Call: parseJSON},
		"eval":  {},
	}
}

func argument(args []any, i int) any {
	if i < len(args) {
		return args[i]
	}
	return Undefined
}

// whole reads an argument that must be a whole number. The code is that of an argument which does not fit.
func whole(args []any, i int) (float64, error) {
	f, ok := integer(argument(args, i))
	if !ok {
		return 0, &Error{Code: "T0410", Index: i + 1, Value: argument(args, i)}
	}
	return f, nil
}

// partition cuts an array in pieces of a size; the last one has what is left.
func partition(args []any) (any, error) {
	items, ok := list(argument(args, 0))
	if !ok {
		return Undefined, nil
	}
	size, err := whole(args, 1)
	if err != nil {
		return nil, err
	}
	if size < 1 {
		return nil, &Error{Code: "T0410", Index: 2, Value: size}
	}
	pieces := []any{}
	for len(items) > 0 {
		n := int(min(size, float64(len(items))))
		pieces = append(pieces, items[:n:n])
		items = items[n:]
	}
	return pieces, nil
}

// rangeOf counts from a first to a last number, which is included if a step hits it.
func rangeOf(args []any) (any, error) {
	var bounds [3]float64
	for i := range bounds {
		if isUndefined(argument(args, i)) {
			return Undefined, nil
		}
		var err error
		if bounds[i], err = whole(args, i); err != nil {
			return nil, err
		}
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, &Error{Code: "T0410", Index: 3, Value: step}
	}
	n := math.Floor((last-first)/step) + 1
	if n > maxSpan {
		return nil, &Error{Code: "D2014", Value: n}
	}
	numbers := make([]any, 0, int(max(n, 0)))
	for i := 0.0; i < n; i++ {
		numbers = append(numbers, boxed(first+i*step))
	}
	return numbers, nil
}

func hash(args []any) (any, error) {
	text, ok := argument(args, 0).(string)
	if !ok {
		return Undefined, nil
	}
	algorithm, _ := argument(args, 1).(string)
	switch in := []byte(text); algorithm {
	case "MD5":
		sum := md5.Sum(in)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-1":
		sum := sha1.Sum(in)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-256":
		sum := sha256.Sum256(in)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-384":
		sum := sha512.Sum384(in)
		return hex.EncodeToString(sum[:]), nil
	case "SHA-512":
		sum := sha512.Sum512(in)
		return hex.EncodeToString(sum[:]), nil
	}
	return nil, &Error{Code: "T0410", Index: 2, Value: argument(args, 1)}
}

func serviceRandom(random func() float64, args []any) (any, error) {
	if seed := argument(args, 0); !isUndefined(seed) {
		n, err := whole(args, 0)
		if err != nil {
			return nil, err
		}
		return seeded(int64(n)), nil
	}
	if random == nil {
		return nil, &Error{Code: "U1004"}
	}
	return random(), nil
}

// seeded gives the number in [0,1) that belongs to a seed. The service does not tell its generator; this is the first
// number of the linear congruential one that java.util.Random documents.
func seeded(seed int64) float64 {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (uint64(seed) ^ multiplier) & mask
	next := func(bits uint) uint64 {
		state = (state*multiplier + 0xB) & mask
		return state >> (48 - bits)
	}
	high := next(26)
	return float64(high<<27+next(27)) / (1 << 53)
}

// parseJSON reads a JSON text.
func parseJSON(args []any) (any, error) {
	text, ok := argument(args, 0).(string)
	if !ok {
		return Undefined, nil
	}
	v, err := data.Decode([]byte(strings.TrimSpace(text)))
	if err != nil {
		return nil, &Error{Code: "U1005", Message: "$parse: " + err.Error()}
	}
	return v, nil
}
