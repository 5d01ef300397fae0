package rehearsal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/rehearsal"
)

const shop = `{"StartAt":"Charge","States":{
  "Charge":{"Type":"Task","Resource":"arn:tutti:task:charge","Parameters":{"amount.$":"$.total"},"ResultPath":"$.charge",
    "Retry":[{"ErrorEquals":["Busy"],"MaxAttempts":2}],"Catch":[{"ErrorEquals":["Refused"],"Next":"Tell"}],"Next":"Ship"},
  "Ship":{"Type":"Task","Resource":"arn:tutti:task:ship","End":true},
  "Tell":{"Type":"Pass","Result":"told","End":true}}}`

func playShop(t *testing.T, text string) ([]rehearsal.Outcome, rehearsal.Coverage) {
	t.Helper()
	cases, diags := rehearsal.ReadCases("shop.test.yaml", []byte(text))
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return rehearsal.Play("shop", define(t, shop), cases, nil, execution.Limits{})
}

func TestCases(t *testing.T) {
	t.Parallel()
	outcomes, coverage := playShop(t, `
mocks:
  Ship: {return: {sent: true}}
cases:
  all is well:
    input: {total: 5}
    mocks:
      Charge: [{throw: {error: Busy}}, {return: {paid: 5}}]
    expect:
      status: SUCCEEDED
      output: {sent: true}
      path: [Charge, Ship]
      calls: {Charge: [{amount: 5}, {amount: 5}], Ship: [{total: 5, charge: {paid: 5}}]}
  part of the output:
    input: {total: 5}
    mocks: {Charge: {return: 1}, Ship: {return: {a: {b: 1, c: 2}, l: [{x: 1, y: 2}]}}}
    expect: {contains: {a: {b: 1}, l: [{x: 1}]}}
  refused:
    input: {total: 5}
    mocks: {Charge: {throw: {error: Refused, cause: no money}}}
    expect: {output: told}
  broken:
    input: {total: 5}
    mocks: {Charge: {throw: {error: Broken, cause: it is broken indeed}}}
    expect: {status: FAILED, error: Broken, cause: broken}
  all is wrong:
    input: {total: 5}
    mocks: {Charge: {return: 1}, Ship: {return: {a: 1, l: [1], n: {}}}}
    expect:
      output: {a: 2, b: 3, l: [1, 2], n: []}
      error: Broken
      cause: whole
      path: [Charge]
      calls: {Ship: [], Tell: [1]}
  the wrong end:
    input: {total: 5}
    mocks: {Charge: {throw: {error: Broken}}}
    expect: {output: 1}
  no reply:
    input: {total: 5}
    expect: {status: SUCCEEDED}
  no such state:
    mocks: {Charg: {return: 1}}
    expect: {status: SUCCEEDED}
  no such test case:
    testCase: Happy
    expect: {status: SUCCEEDED}
`)
	var got strings.Builder
	for _, o := range outcomes {
		fmt.Fprintf(&got, "%s: %v\n", o.Case.Name, o.Passed())
		for _, d := range o.Differences {
			fmt.Fprintf(&got, "  %s: %s | %s\n", d.What, d.Want, d.Got)
		}
	}
	const want = `all is well: true
part of the output: true
refused: true
broken: true
all is wrong: false
  error: Broken | 
  cause: whole | 
  output.a: 2 | 1
  output.b: 3 | 
  output.l[1]: 2 | 
  output.n: [] | {}
  path: Charge | Charge > Ship
  calls.Ship[0]:  | {"total":5,"charge":1}
  calls.Tell[0]: 1 | 
the wrong end: false
  status: SUCCEEDED | FAILED: Broken: 
no reply: false
  rehearsal:  | the state "Charge" calls arn:tutti:task:charge, and no reply is given for it
no such state: false
  rehearsal:  | there is no state "Charg" to answer. Did you mean "Charge"?
no such test case: false
  rehearsal:  | the file of mocks has no test case "Happy" for the state machine "shop"
`
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
	if strings.Join(coverage.Missed, " ") != "" || coverage.Percent() != 100 {
		t.Error(coverage)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	_, c := playShop(t, "cases:\n  a:\n    input: {total: 1}\n    mocks: {Charge: {return: 1}, Ship: {return: 1}}\n    expect: {status: SUCCEEDED}\n")
	if len(c.States) != 3 || strings.Join(c.Missed, "") != "Tell" || int(c.Percent()) != 66 {
		t.Error(c)
	}
}

func TestReadCasesMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"cases: []", "/cases must be an object, and is of type array."},
		{"{}", "There are no cases."},
		{"cases: {a: {}}", `The case "a" expects nothing.`},
		{"cases: {a: {expct: {}, expect: {}}}", `/cases/a/expct is not a field here. Did you mean "expect"?`},
		{"cases: {a: {expect: {status: OK}}}", `"OK" is not one of SUCCEEDED, FAILED, TIMED_OUT.`},
		{"cases: {a: {expect: {path: A}}}", "/cases/a/expect/path must be a list of the names of states."},
		{"cases: {a: {expect: {path: [1]}}}", "/cases/a/expect/path[0] must be the name of a state."},
		{"cases: {a: {expect: {calls: {A: 1}}}}", "/cases/a/expect/calls/A must be a list"},
		{"cases: {a: {at: soon, expect: {}}}", `"soon" is not a time`},
		{"cases: {a: {from: 1, expect: {}}}", "/cases/a/from must be a string, and is of type number."},
		{"cases: {a: {mocks: {A: {}}, expect: {}}}", "A reply has one of return, throw and never."},
		{"cases: {a: {mocks: {A: {return: 1, never: true}}, expect: {}}}", "A reply has one of return, throw and never."},
		{"cases: {a: {mocks: {A: {never: false}}, expect: {}}}", "never is true or not there."},
		{"cases: {a: {mocks: {A: {throw: {}}}, expect: {}}}", "throw needs an error"},
		{"cases: {a: {mocks: {A: {return: 1, after: 5}}, expect: {}}}", "/cases/a/mocks/A/after must be a string"},
		{"cases: {a: {mocks: {A: {return: 1, after: later}}, expect: {}}}", `"later" is not how long a call takes`},
		{"cases: {a: {mocks: {A: []}, expect: {}}}", "/cases/a/mocks/A has no reply."},
		{"coverage: 101\ncases: {a: {expect: {}}}", "coverage is a percentage"},
		{"coverage: all\ncases: {a: {expect: {}}}", "/coverage must be a number"},
		{"[", "The file cannot be read"},
	} {
		_, diags := rehearsal.ReadCases("a.test.yaml", []byte(c.text))
		if len(diags) == 0 || !strings.Contains(diags[0].Detail, c.want) || diags[0].Subject == nil {
			t.Errorf("%s: %v, want %s", c.text, diags, c.want)
		}
	}
}

func TestFindAndLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const cases = "cases: {a: {testCase: Happy, expect: {output: 1}}}"
	write("shop.asl.json", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"${r}","End":true}}}`)
	write("shop.test.yaml", "mockConfig: m.json\nsubstitutions: {r: 'arn:tutti:task:x'}\n"+cases)
	write("m.json", `{"StateMachines":{"shop":{"TestCases":{"Happy":{"A":"R"}}}},"MockedResponses":{"R":{"0":{"Return":1}}}}`)
	write("other.test.json", `{"cases":{}}`)
	write("node_modules/x/y.asl.json", "{}")
	write("node_modules/x/y.test.json", "{}")
	write("below/named.test.yaml", "definition: ../shop.asl.json\nsubstitutions: {r: 'arn:tutti:task:x'}\n"+cases)
	found, err := rehearsal.Find([]string{dir, filepath.Join(dir, "shop.asl.json"), filepath.Join(dir, "below/named.test.yaml")})
	if want := []string{"shop.test.yaml", "shop.test.yaml", "below/named.test.yaml"}; err != nil || len(found) != len(want) || !strings.HasSuffix(found[0], want[0]) || !strings.HasSuffix(found[2], want[2]) {
		t.Fatal(found, err)
	}
	for i, mocks := range []string{"", "", filepath.Join(dir, "m.json")} {
		s, diags, err := rehearsal.Load(found[i], nil, mocks)
		if err != nil || diags.HasErrors() {
			t.Fatal(err, diags)
		}
		if outcomes, _ := s.Play(); len(outcomes) != 1 || !outcomes[0].Passed() || s.Machine != "shop" {
			t.Errorf("%s: %+v", found[i], outcomes)
		}
	}
	if _, err := rehearsal.Find([]string{filepath.Join(dir, "m.json")}); err == nil || !strings.Contains(err.Error(), "has no cases beside it") {
		t.Error(err)
	}
	if _, diags, err := rehearsal.Load(filepath.Join(dir, "other.test.json"), nil, ""); err != nil || !diags.HasErrors() {
		t.Error("it has no cases", err)
	}
	if s, diags, err := rehearsal.Load(found[0], map[string]string{"r": "nothing"}, ""); err != nil || !diags.HasErrors() || len(s.Sources) != 3 {
		t.Error(diags, err)
	}
}

// A case's own replies stand before those of the file of mocks.
func TestRepliesTogether(t *testing.T) {
	t.Parallel()
	cases, _ := rehearsal.ReadCases("a.test.yaml", []byte("cases: {a: {input: {total: 1}, testCase: T, mocks: {Ship: {return: mine}}, expect: {output: mine}}}"))
	config, diags := mock.Read("m.json", []byte(`{"StateMachines":{"shop":{"TestCases":{"T":{"Charge":"C","Ship":"C"}}}},"MockedResponses":{"C":{"0-5":{"Return":"theirs"}}}}`))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	outcomes, _ := rehearsal.Play("shop", define(t, shop), cases, config, execution.Limits{})
	if !outcomes[0].Passed() {
		t.Error(outcomes[0].Differences)
	}
}
