package intrinsic

import (
	"fmt"
	"math"

	"tutti/internal/stepfunctions/data"
)

// function is what a name stands for: how many arguments it takes, and what it does
// with their values.
type function struct {
	least, most int
	do          func(args []any, scope Scope) (any, error)
}

// format is the one function whose first argument has a syntax of its own.
const format = "States.Format"

// any number of arguments.
const unbounded = math.MaxInt

// functions are all there are; the table is not written to.
var functions = map[string]function{
	format:                  {1, unbounded, formatText},
	"States.StringToJson":   {1, 1, stringToJSON},
	"States.JsonToString":   {1, 1, jsonToString},
	"States.Array":          {0, unbounded, array},
	"States.ArrayPartition": {2, 2, arrayPartition},
	"States.ArrayContains":  {2, 2, arrayContains},
	"States.ArrayRange":     {3, 3, arrayRange},
	"States.ArrayGetItem":   {2, 2, arrayGetItem},
	"States.ArrayLength":    {1, 1, arrayLength},
	"States.ArrayUnique":    {1, 1, arrayUnique},
	"States.Base64Encode":   {1, 1, base64Encode},
	"States.Base64Decode":   {1, 1, base64Decode},
	"States.Hash":           {2, 2, hash},
	"States.JsonMerge":      {3, 3, jsonMerge},
	"States.MathRandom":     {2, 3, mathRandom},
	"States.MathAdd":        {2, 2, mathAdd},
	"States.StringSplit":    {2, 2, stringSplit},
	"States.UUID":           {0, 0, uuid},
}

// count words how many arguments a function takes.
func (f function) count() string {
	switch {
	case f.most == unbounded:
		return fmt.Sprintf("%d or more arguments", f.least)
	case f.least != f.most:
		return fmt.Sprintf("%d or %d arguments", f.least, f.most)
	case f.least == 1:
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", f.least)
}

// wrong says that an argument is of the wrong kind.
func wrong(args []any, i int, kind string) error {
	return fmt.Errorf("argument %d must be %s, but is %s", i+1, kind, data.Kind(args[i]))
}

func listAt(args []any, i int) ([]any, error) {
	if list, ok := args[i].([]any); ok {
		return list, nil
	}
	return nil, wrong(args, i, "an array")
}

func textAt(args []any, i int) (string, error) {
	if text, ok := args[i].(string); ok {
		return text, nil
	}
	return "", wrong(args, i, "a string")
}

// integerAt gives a number, rounded as Java's Math.round does: halves go up.
func integerAt(args []any, i int) (int64, error) {
	f, ok := data.Float(args[i])
	if !ok {
		return 0, wrong(args, i, "a number")
	}
	f = math.Floor(f + 0.5)
	if !(f >= -MaxInteger-1 && f <= MaxInteger) {
		return 0, fmt.Errorf("argument %d must lie between %d and %d", i+1, -MaxInteger-1, MaxInteger)
	}
	return int64(f), nil
}

func uuid(_ []any, scope Scope) (any, error) { return scope.UUID(), nil }
