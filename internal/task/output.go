package task

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/object"
	"tutti/internal/secret"
)

// textOutputs can hold secrets; a code or status cannot.
var textOutputs = []string{"stdout", "stderr", "json", "body", "response_headers"}

var numberOutputs = []string{"exit_code", "status"}

// outcome is how one attempt ended.
type outcome struct {
	// exit is set when a command ended by itself.
	exit           *int
	stdout, stderr string
	// response is set when a server answered.
	response *response
	// cut names what was longer than MaxOutput.
	cut []string
}

type response struct {
	status  int
	headers map[string]string
	body    string
}

// noOutputs are the outputs of a task that did not run.
func noOutputs() map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, list := range [][]string{textOutputs, numberOutputs} {
		for _, name := range list {
			out[name] = cty.NullVal(cty.DynamicPseudoType)
		}
	}
	return out
}

// outputsToCome are those of a task that is going to run, as far as they are known.
func outputsToCome(http, hidden bool) map[string]cty.Value {
	out := noOutputs()
	text := cty.UnknownVal(cty.String).RefineNotNull()
	number := cty.UnknownVal(cty.Number).RefineNotNull()
	out["json"] = cty.DynamicVal
	if http {
		out["status"], out["body"], out["response_headers"] = number, text, cty.DynamicVal
	} else {
		out["exit_code"], out["stdout"], out["stderr"] = number, text, text
	}
	return markOutputs(out, hidden)
}

func markOutputs(out map[string]cty.Value, hidden bool) map[string]cty.Value {
	if hidden {
		for _, name := range textOutputs {
			out[name] = out[name].Mark(object.Sensitive)
		}
	}
	return out
}

// values gives an outcome as outputs. A masker, where there is one, replaces the
// secrets in the text itself.
func (o outcome) values(hidden bool, m *secret.Masker) map[string]cty.Value {
	show := func(s string) string {
		if m != nil {
			s = m.String(s)
		}
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	out := noOutputs()
	if o.exit != nil || o.response == nil {
		stdout := show(lastLineEnd(o.stdout))
		out["stdout"], out["stderr"] = cty.StringVal(stdout), cty.StringVal(show(lastLineEnd(o.stderr)))
		out["json"] = parse(stdout)
	}
	if o.exit != nil {
		out["exit_code"] = cty.NumberIntVal(int64(*o.exit))
	}
	if r := o.response; r != nil {
		body := show(r.body)
		headers := map[string]cty.Value{}
		for name, v := range r.headers {
			headers[name] = cty.StringVal(show(v))
		}
		out["status"], out["body"], out["json"] = cty.NumberIntVal(int64(r.status)), cty.StringVal(body), parse(body)
		out["response_headers"] = cty.ObjectVal(headers)
	}
	return markOutputs(out, hidden)
}

// lastLineEnd drops the line ends at the end, as a shell's $(...) does.
func lastLineEnd(s string) string { return strings.TrimRight(s, "\r\n") }

// parse reads JSON; what is none gives null.
func parse(s string) cty.Value {
	v, err := block.FromJSON([]byte(s))
	if err != nil {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return v
}

// kept gives the outputs that are stored, more of them hidden when that is wanted
// now.
func kept(prior cty.Value, hidden bool) map[string]cty.Value {
	out := noOutputs()
	for name := range out {
		out[name] = prior.GetAttr(name)
	}
	return markOutputs(out, hidden)
}
