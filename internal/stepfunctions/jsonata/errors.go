package jsonata

import (
	"errors"
	"strings"
	"unicode/utf16"
)

// Error is what is wrong with an expression or its evaluation. The fields are those of the reference implementation;
// which of them are set depends on the code.
type Error struct {
	// Code is JSONata's own: S.... for the text of an expression, T.... for types, D.... for what goes wrong while
	// evaluating. U1001: a limit was passed; U1002: a regular expression that is not valid here; U1003: the result is
	// a function; U1004: there is no source of random numbers; U1005: a function of the caller failed.
	Code    string
	Message string
	// Position is the offset behind the token in the expression, in UTF-16 units as the reference counts.
	Position int
	Token    any // the operator, function or token meant; nearly always a string
	Value    any // the value meant
	Value2   any // its counterpart where two values do not fit
	Index    int // the number of the argument meant, from 1
	Type     string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// limitError says which limit was passed.
func limitError(what string) *Error { return &Error{Code: "U1001", Message: what} }

// complete fills in the message.
func complete(err error) error {
	e := (*Error)(nil)
	if !errors.As(err, &e) {
		return &Error{Code: "U1005", Message: err.Error()}
	}
	if e.Message != "" {
		return e
	}
	text := e.template()
	if !strings.Contains(text, "{") {
		e.Message = text
		return e
	}
	token, _ := e.Token.(string)
	e.Message = strings.NewReplacer(
		"{raw token}", token,
		"{token}", quotedForMessage(e.Token),
		"{value}", quotedForMessage(e.Value),
		"{value2}", quotedForMessage(e.Value2),
		"{index}", quotedForMessage(float64(e.Index)),
		"{type}", quotedForMessage(e.Type),
	).Replace(text)
	return e
}

// maxMessageValue bounds how much of a value a message shows.
const maxMessageValue = 200

func quotedForMessage(v any) string {
	if isUndefined(v) {
		return "undefined"
	}
	r := newRun(&Expr{}, nil, Options{Limits: Limits{MaxMemory: 1 << 20, MaxSteps: 1 << 16}})
	text, err := r.encode(v, false)
	if err != nil {
		return "(a large value)"
	}
	if len(text) > maxMessageValue {
		return strings.ToValidUTF8(string(text[:maxMessageValue]), "") + "..."
	}
	return string(text)
}

// utf16Offset counts the UTF-16 units in the first n bytes of a text.
func utf16Offset(text string, n int) int {
	units := 0
	for _, r := range text[:min(n, len(text))] {
		units += max(utf16.RuneLen(r), 1)
	}
	return units
}

// template is the message of a code, with the fields that it shows in braces.
func (e *Error) template() string {
	for _, list := range [...]map[string]string{syntaxMessages, typeMessages, dynamicMessages, pictureMessages, ownMessages} {
		if text, ok := list[e.Code]; ok {
			return text
		}
	}
	panic("jsonata: invariant broken: no message for " + e.Code)
}

var syntaxMessages = map[string]string{
	"S0101": "the string is not closed by a matching quote",
	"S0102": "this number is out of range: {token}",
	"S0103": `unsupported escape sequence: \{token}`,
	"S0104": `the escape sequence \u must be followed by 4 hexadecimal digits`,
	"S0105": "the quoted name is not closed by a backquote (`)",
	"S0106": "the comment is not closed",
	"S0201": "syntax error: {token}",
	"S0202": "expected {value}, got {token}",
	"S0203": "expected {value} before the end of the expression",
	"S0204": "unknown operator: {token}",
	"S0207": "the expression ends unexpectedly",
	"S0208": "parameter {value} of the function must be a variable name (starting with $)",
	"S0209": "a predicate cannot follow a grouping expression in a step",
	"S0210": "a step can have only one grouping expression",
	"S0211": "{token} cannot be used as a prefix operator",
	"S0212": "the left side of := must be a variable name (starting with $)",
	"S0213": "the literal {value} cannot be a step of a path",
	"S0214": "the right side of {token} must be a variable name (starting with $)",
	"S0215": "a context variable must be bound before any predicate of its step",
	"S0216": "a context variable must be bound before the order-by clause of its step",
	"S0217": "the parent object cannot be derived from this expression",
	"S0301": "a regular expression cannot be empty",
	"S0302": "the regular expression is not closed by a slash",
	"S0401": "in a signature only functions and arrays take a type parameter",
	"S0402": "a signature cannot have parameterized types in a choice",
}

var typeMessages = map[string]string{
	"T0410": "argument {index} of function {token} does not match its signature",
	"T0411": "the context value does not fit argument {index} of function {token}",
	"T0412": "argument {index} of function {token} must be an array of {type}",
	"T1003": "a key of an object must be a string; got: {value}",
	"T1005": "attempted to call something that is no function; did you mean ${raw token}?",
	"T1006": "attempted to call something that is no function",
	"T1007": "attempted to apply partially something that is no function; did you mean ${raw token}?",
	"T1008": "attempted to apply partially something that is no function",
	"T1010": "the matcher function given to function {token} does not return the right object",
	"T2001": "the left side of the {token} operator must be a number",
	"T2002": "the right side of the {token} operator must be a number",
	"T2003": "the left side of the range operator (..) must be an integer",
	"T2004": "the right side of the range operator (..) must be an integer",
	"T2006": "the right side of the function application operator ~> must be a function",
	"T2007": "type mismatch when comparing {value} and {value2} in an order-by clause",
	"T2008": "the expressions in an order-by clause must be numbers or strings",
	"T2009": "the values {value} and {value2} on the two sides of operator {token} must be of the same type",
	"T2010": "the expressions on the two sides of operator {token} must be numbers or strings",
	"T2011": "the update clause of the transform must be an object: {value}",
	"T2012": "the delete clause of the transform must be a string or an array of strings: {value}",
	"T2013": "the transform copies its input with $clone(), which is no function in this scope",
}

var dynamicMessages = map[string]string{
	"D1001": "number out of range: {value}",
	"D1002": "cannot negate a value that is no number: {value}",
	"D1004": "the regular expression matches the empty string",
	"D1009": "several key definitions give the same key: {value}",
	"D2014": "the range operator (..) must not give more than 1e7 items; attempted: {value}",
	"D3001": "an infinite number or NaN has no string",
	"D3010": "the second argument of replace cannot be an empty string",
	"D3011": "the fourth argument of replace must not be negative",
	"D3012": "a match can only be replaced by a string",
	"D3020": "the third argument of split must not be negative",
	"D3030": "cannot make a number of: {value}",
	"D3040": "the third argument of match must not be negative",
	"D3050": "the second argument of reduce must be a function of at least two arguments",
	"D3060": "no square root of a negative number: {value}",
	"D3061": "the power is not a number that JSON can hold: base {value}, exponent {value2}",
	"D3070": "sort without a comparison function takes only an array of strings or an array of numbers",
	"D3100": "the radix of formatBase must be between 2 and 36; it was {value}",
	"D3110": "toMillis without a picture takes an ISO 8601 timestamp; given {value}",
	"D3120": "syntax error in the expression given to eval: {value}",
	"D3121": "error while evaluating the expression given to eval: {value}",
	"D3137": "$error() was called",
	"D3138": "single expected one match and found more",
	"D3139": "single expected one match and found none",
	"D3140": "malformed URL given to {token}: {value}",
	"D3141": "$assert() failed",
}

var pictureMessages = map[string]string{
	"D3080": "the picture can have at most two sub-pictures",
	"D3081": "a sub-picture can have only one decimal separator",
	"D3082": "a sub-picture can have only one percent character",
	"D3083": "a sub-picture can have only one per-mille character",
	"D3084": "a sub-picture cannot have both a percent and a per-mille character",
	"D3085": "the mantissa of a sub-picture needs at least one digit character",
	"D3086": "a sub-picture cannot have a passive character between active ones",
	"D3087": "a sub-picture cannot have a grouping separator beside the decimal separator",
	"D3088": "a sub-picture cannot have a grouping separator at the end of its integer part",
	"D3089": "a sub-picture cannot have two grouping separators side by side",
	"D3090": "in the integer part of a sub-picture no optional digit can follow a mandatory one",
	"D3091": "in the fractional part of a sub-picture no mandatory digit can follow an optional one",
	"D3092": "a sub-picture with a percent or per-mille character cannot have an exponent",
	"D3093": "the exponent of a sub-picture consists of mandatory digits only",
	"D3130": "integers in a sequence that starts with {value} are not supported",
	"D3131": "all digits of a decimal digit pattern must belong to one group of digits",
	"D3132": "unknown component {value} in the date/time picture",
	"D3133": "only months and days have names in a date/time picture, not {value}",
	"D3134": "the format of a timezone cannot have more than four digits",
	"D3135": "a bracket in the date/time picture is not closed",
	"D3136": "the date/time picture lacks parts that are needed to make a timestamp",
}

var ownMessages = map[string]string{
	"U1002": "this regular expression is not supported: {token}: {value}",
	"U1003": "the result is a function, which is no JSON value",
	"U1004": "there is no source of random numbers in this place",
}
