package expression_test

import (
	"fmt"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

// document is what the comparisons of this file look at.
const document = `{
  "one": 1, "two": 2.0, "text": "b", "astral": "😀", "private": "\ue000", "star": "a*b", "back": "a\\b", "yes": true, "no": false, "nothing": null,
  "early": "2024-02-29T23:59:59Z", "late": "2024-03-01T00:00:00.5+00:00", "same": "2024-03-01T01:00:00.5+01:00", "day": "2024-03-01", "small": "2024-03-01t00:00:00z", "comma": "2024-03-01T00:00:00,5Z",
  "list": [1], "map": {"a": 1}
}`

func value(t testing.TB, text string) any {
	t.Helper()
	v, err := data.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func compare(t *testing.T, operator, variable, operand string) (any, error) {
	t.Helper()
	for _, o := range expression.Operators() {
		if o.Name != operator {
			continue
		}
		v, err := expression.Reference("Choices[0]/Variable", variable)
		if err != nil {
			t.Fatal(err)
		}
		var with expression.Expr = expression.Constant{Value: nil}
		if o.FromPath {
			with, err = expression.Reference("Choices[0]/"+operator, operand)
		} else {
			with = expression.Constant{Value: value(t, operand)}
		}
		if err != nil {
			t.Fatal(err)
		}
		context := data.ObjectOf(data.Member{Key: "limit", Value: 2.0})
		return expression.Compare(o, v, with).Eval(&expression.Scope{Input: value(t, document), Context: context,
			Variable: func(name string) (any, bool) { return 1.0, name == "v" }})
	}
	t.Fatalf("there is no operator %s", operator)
	return nil, nil
}

func TestComparisons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		variable, operator, operand string
		want                        bool
	}{
		{"$.text", "StringEquals", `"b"`, true}, {"$.text", "StringEquals", `"B"`, false}, {"$.one", "StringEquals", `"1"`, false},
		{"$.text", "StringLessThan", `"c"`, true}, {"$.text", "StringLessThan", `"b"`, false}, {"$.text", "StringLessThan", `"bb"`, true},
		{"$.text", "StringGreaterThan", `"a"`, true}, {"$.text", "StringGreaterThanEquals", `"b"`, true}, {"$.text", "StringLessThanEquals", `"b"`, true},
		{"$.text", "StringLessThanEquals", `"a"`, false}, {"$.text", "StringGreaterThanEquals", `"c"`, false},
		{"$.astral", "StringLessThanPath", "$.private", true}, {"$.private", "StringGreaterThanPath", "$.astral", true}, {"$.text", "StringEqualsPath", "$.text", true},
		{"$.text", "StringGreaterThanEqualsPath", "$.text", true}, {"$.text", "StringLessThanEqualsPath", "$.one", false},
		{"$.one", "NumericEquals", `1.0`, true}, {"$.two", "NumericEquals", `2`, true}, {"$.one", "NumericLessThan", `2`, true}, {"$.one", "NumericGreaterThan", `1`, false},
		{"$.one", "NumericLessThanEquals", `1`, true}, {"$.two", "NumericGreaterThanEquals", `2e0`, true}, {"$.text", "NumericEquals", `1`, false},
		{"$.one", "NumericEqualsPath", "$v", true}, {"$.two", "NumericEqualsPath", "$$.limit", true}, {"$$.limit", "NumericGreaterThanPath", "$.one", true},
		{"$.one", "NumericLessThanPath", "$.two", true}, {"$.one", "NumericLessThanEqualsPath", "$.one", true}, {"$.one", "NumericGreaterThanEqualsPath", "$.two", false},
		{"$.yes", "BooleanEquals", `true`, true}, {"$.no", "BooleanEquals", `true`, false}, {"$.one", "BooleanEquals", `true`, false}, {"$.no", "BooleanEqualsPath", "$.no", true},
		{"$.early", "TimestampLessThan", `"2024-03-01T00:00:00Z"`, true}, {"$.late", "TimestampEquals", `"2024-03-01T00:00:00.500Z"`, true},
		{"$.late", "TimestampEqualsPath", "$.same", true}, {"$.late", "TimestampGreaterThanPath", "$.early", true}, {"$.early", "TimestampLessThanPath", "$.late", true},
		{"$.late", "TimestampGreaterThan", `"2024-03-01T00:00:00Z"`, true}, {"$.late", "TimestampGreaterThanEquals", `"2024-03-01T00:00:00.5Z"`, true},
		{"$.late", "TimestampLessThanEquals", `"2024-03-01T00:00:00Z"`, false}, {"$.late", "TimestampGreaterThanEqualsPath", "$.same", true}, {"$.late", "TimestampLessThanEqualsPath", "$.same", true},
		{"$.day", "TimestampLessThan", `"2030-01-01T00:00:00Z"`, false}, {"$.small", "TimestampLessThan", `"2030-01-01T00:00:00Z"`, false}, {"$.comma", "IsTimestamp", `true`, false},
		{"$.text", "StringMatches", `"*"`, true}, {"$.text", "StringMatches", `"b*"`, true}, {"$.text", "StringMatches", `"*b*"`, true}, {"$.text", "StringMatches", `"bb*"`, false},
		{"$.star", "StringMatches", `"a\\*b"`, true}, {"$.star", "StringMatches", `"a*b"`, true}, {"$.back", "StringMatches", `"a\\\\b"`, true}, {"$.back", "StringMatches", `"a\\*b"`, false},
		{"$.early", "StringMatches", `"2024*T*:*Z"`, true}, {"$.early", "StringMatches", `"2024*T*T*Z"`, false}, {"$.one", "StringMatches", `"*"`, false}, {"$.text", "StringMatches", `"b"`, true},
		{"$.nothing", "IsNull", `true`, true}, {"$.one", "IsNull", `true`, false}, {"$.one", "IsNull", `false`, true},
		{"$.missing", "IsPresent", `true`, false}, {"$.missing", "IsPresent", `false`, true}, {"$.nothing", "IsPresent", `true`, true}, {"$.nothing", "IsPresent", `false`, false},
		{"$novar.a", "IsPresent", `true`, false}, {"$.one", "IsNumeric", `true`, true}, {"$.text", "IsNumeric", `false`, true}, {"$.text", "IsString", `true`, true},
		{"$.list", "IsString", `true`, false}, {"$.yes", "IsBoolean", `true`, true}, {"$.early", "IsTimestamp", `true`, true}, {"$.day", "IsTimestamp", `true`, false}, {"$.one", "IsTimestamp", `true`, false},
	} {
		got, err := compare(t, c.operator, c.variable, c.operand)
		if err != nil || got != c.want {
			t.Errorf("%s %s %s: %v, %v", c.variable, c.operator, c.operand, got, err)
		}
	}
}

func TestComparisonOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"$.x", "IsNull", "true"}, {"$.x", "StringEquals", `"a"`}, {"$.one", "NumericEqualsPath", "$.x"}} {
		_, err := compare(t, c[1], c[0], c[2])
		if got, want := fmt.Sprint(err), "States.Runtime: Invalid path '$.x': The choice state's condition path references an invalid value."; got != want {
			t.Errorf("%v: %s", c, got)
		}
	}
}

// Rules behind the one that decides are not evaluated.
func TestCombinations(t *testing.T) {
	t.Parallel()
	yes, no := expression.Expr(expression.Constant{Value: true}), expression.Expr(expression.Constant{Value: false})
	bad, _ := expression.Path("Choices[0]/Variable", "$.x")
	for i, c := range []struct {
		rule expression.Expr
		want any
	}{
		{expression.And([]expression.Expr{yes, yes}), true}, {expression.And([]expression.Expr{yes, no, bad}), false},
		{expression.Or([]expression.Expr{no, no}), false}, {expression.Or([]expression.Expr{no, yes, bad}), true},
		{expression.Not(yes), false}, {expression.Not(no), true}, {expression.Not(expression.Or([]expression.Expr{no})), true},
	} {
		if got, err := c.rule.Eval(&expression.Scope{}); err != nil || got != c.want {
			t.Errorf("rule %d: %v, %v", i, got, err)
		}
	}
	if _, err := expression.And([]expression.Expr{yes, bad}).Eval(&expression.Scope{}); err == nil {
		t.Error("the failure of a rule that is evaluated is lost")
	}
}
