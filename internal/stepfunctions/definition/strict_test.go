package definition_test

import (
	"fmt"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/definition"
)

func TestStrict(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", definition.ServicePayload)
	for _, c := range []struct{ text, want string }{
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Succeed"}}}`, ""},
		{`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":5,"Next":"B"},"B":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`,
			"A: The states A, B can come round again and again. A round makes about 4 events, so that after some 6250 rounds"},
		{`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:tutti:task:a","Catch":[{"ErrorEquals":["States.ALL"],"Next":"A"}],"End":true}}}`, "A: The states A can come round again and again. A round makes about 5 events"},
		{`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:tutti:task:a","Next":"J"},"J":{"Type":"Succeed"}}},"End":true}}}`,
			`M: An iteration of the Map "M" makes up to 9 events in the execution's own history. With more than some 2777 items`},
		{`{"QueryLanguage":"JSONata","StartAt":"M","States":{"M":{"Type":"Map","Items":[1,2],"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}}}`, ""},
		{`{"StartAt":"M","States":{"M":{"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"I","States":{"I":{"Type":"Succeed"}}},"End":true}}}`, ""},
		{`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:tutti:task:a","Retry":[{"ErrorEquals":["x"],"MaxAttempts":9000}],"End":true}}}`, `A: State "A" is tried up to 9000 times.`},
		{`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"` + large + `","End":true}}}`, `A: The Result of state "A" alone has more than the 262144 bytes`},
		{`{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"x":"` + large + `"},"End":true}}}]}}}`, `A: The Parameters or Arguments of state "A" alone has more`},
	} {
		m := parse(t, c.text)
		diags := definition.Diagnostics(m.Strict(definition.Use{Size: len(c.text), Input: 10}))
		got := ""
		for _, d := range diags {
			r := d.Subject
			got += strings.Trim(c.text[r.Start.Byte:r.End.Byte], `"`) + ": " + d.Detail
		}
		if c.want == "" && got != "" || !strings.HasPrefix(got, c.want) || len(diags) > 1 {
			t.Errorf("%.200s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
	diags := definition.Diagnostics(parse(t, `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`).Strict(definition.Use{Size: 2 << 20, Input: 300_000}))
	if got := fmt.Sprint(diags); len(diags) != 2 || diags.HasErrors() || !strings.Contains(got, "The input has 300000 bytes") || !strings.Contains(got, "The definition has 2097152 bytes") {
		t.Error(got)
	}
}

// TestStrictExpress has no history to warn of, and payloads all the same.
func TestStrictExpress(t *testing.T) {
	t.Parallel()
	text := `{"StartAt":"P","States":{"P":{"Type":"Parallel","Next":"P2","Branches":[{"StartAt":"A","States":{"A":{"Type":"Pass","Result":"` +
		strings.Repeat("x", definition.ServicePayload) + `","End":true}}}]},"P2":{"Type":"Choice","Choices":[{"Variable":"$","IsNull":true,"Next":"P"}],"Default":"E"},"E":{"Type":"Succeed"}}}`
	for _, c := range []struct {
		express bool
		want    string
	}{{true, "/States/P/Branches[0]/States/A"}, {false, "/States/P/Branches[0]/States/A /States/P"}} {
		var at []string
		for _, f := range parse(t, text).Strict(definition.Use{Express: c.express}) {
			at = append(at, f.Location)
		}
		if got := strings.Join(at, " "); got != c.want {
			t.Errorf("express %t: %s, want %s", c.express, got, c.want)
		}
	}
}
