package task

import (
	"time"

	"github.com/zclconf/go-cty/cty"
)

// The limits and defaults of what users may ask for.
const (
	// MaxOutput is how much of each stream, or of a response, is kept, in bytes.
	MaxOutput = 1 << 20
	// MaxAttempts bounds retries.
	MaxAttempts = 1000
	// DefaultHTTPTimeout is the time limit of a request that names none.
	DefaultHTTPTimeout = 30 * time.Second

	defaultAttempts   = 3
	defaultMinBackoff = time.Second
	defaultMaxBackoff = time.Minute
)

// The values of run.
const (
	onChange = "on_change"
	always   = "always"
	manual   = "manual"
)

// spec is what a task block says, with everything known or left out.
type spec struct {
	action
	run     string
	creates []string
	// sensitive is nil when the block does not say.
	sensitive *bool
	onDestroy *action
	// secret is set when an input that could show in the outputs is sensitive.
	secret bool
}

// action is one thing to do. Its JSON is stored with a task that has an
// on_destroy, among what stores always encrypt.
type action struct {
	Command     []string           `json:"command,omitempty"`
	Script      *string            `json:"script,omitempty"`
	Interpreter []string           `json:"interpreter,omitempty"`
	Environment map[string]*string `json:"environment,omitempty"`
	WorkingDir  string             `json:"working_dir,omitempty"`
	Stdin       string             `json:"stdin,omitempty"`
	Timeout     time.Duration      `json:"timeout,omitempty"`
	OKExitCodes []int              `json:"ok_exit_codes,omitempty"`
	Retry       retry              `json:"retry"`
	HTTP        *request           `json:"http,omitempty"`
	// Secrets are the sensitive texts among all this.
	Secrets []string `json:"secrets,omitempty"`
	// Idempotent means that it may be repeated without harm.
	Idempotent bool `json:"idempotent,omitempty"`
}

type retry struct {
	Attempts    int           `json:"attempts"`
	MinBackoff  time.Duration `json:"min_backoff,omitempty"`
	MaxBackoff  time.Duration `json:"max_backoff,omitempty"`
	OnExitCodes []int         `json:"on_exit_codes,omitempty"`
	OnStatus    []int         `json:"on_status,omitempty"`
}

type request struct {
	Method            string             `json:"method"`
	URL               string             `json:"url"`
	Headers           map[string]*string `json:"headers,omitempty"`
	Body              string             `json:"body,omitempty"`
	ExpectedStatus    []int              `json:"expected_status,omitempty"`
	CACertificate     string             `json:"ca_certificate,omitempty"`
	ClientCertificate string             `json:"client_certificate,omitempty"`
	ClientKey         string             `json:"client_key,omitempty"`
	Insecure          bool               `json:"insecure,omitempty"`
}

// readSpec reads a task's wanted value. Values that are not known are left out and
// cause no problem.
func readSpec(wanted cty.Value) (spec, []problem) {
	bare, marks := wanted.UnmarkDeepWithPaths()
	r := &reader{v: bare, problems: &[]problem{}}
	s := spec{secret: concernOutputs(marks)}
	r.taskArguments(&s)
	s.action = r.action()
	s.Secrets = secretTexts(bare, marks, secretMark)
	if d, ok := r.block("on_destroy"); ok {
		a := d.action()
		a.inherit(s.action, func(name string) bool { return d.absent(name) }, ephemeralNames(marks))
		a.Secrets = secretTexts(bare, marks, storable)
		s.onDestroy = &a
	}
	r.noEphemeral(marks)
	return s, *r.problems
}

// inherit takes over the surroundings of the task's own action. What is ephemeral
// cannot be kept until then.
func (a *action) inherit(from action, absent func(string) bool, ephemeral map[string]bool) {
	if absent("working_dir") {
		a.WorkingDir = from.WorkingDir
	}
	if absent("interpreter") {
		a.Interpreter = from.Interpreter
	}
	env := make(map[string]*string, len(from.Environment)+len(a.Environment))
	for name, v := range from.Environment {
		if !ephemeral[""] && !ephemeral[name] {
			env[name] = v
		}
	}
	for name, v := range a.Environment {
		env[name] = v
	}
	a.Environment = env
}

func (r *reader) taskArguments(s *spec) {
	s.run = r.choice("run", onChange, always, manual)
	s.creates = r.paths("creates")
	if v := r.get("sensitive"); v.IsKnown() && !v.IsNull() {
		b := v.True()
		s.sensitive = &b
	}
}

func (r *reader) action() action {
	a := action{
		Command: r.texts("command"), Interpreter: r.texts("interpreter"), Environment: r.textMap("environment"),
		WorkingDir: r.text("working_dir"), Stdin: r.text("stdin"), Timeout: r.duration("timeout"),
		OKExitCodes: r.numbers("ok_exit_codes", numberRange{0, 255}), Retry: r.retry(),
	}
	if v := r.get("script"); v.IsKnown() && !v.IsNull() {
		text := v.AsString()
		a.Script = &text
	}
	if h, ok := r.block("http"); ok {
		a.HTTP = h.request()
		a.Idempotent = idempotentMethod(a.HTTP.Method)
	}
	if v := r.get("idempotent"); v.IsKnown() && !v.IsNull() {
		a.Idempotent = v.True()
	}
	r.oneOf("command", "script", "http")
	if !r.absent("command") && r.get("command").IsKnown() && (len(a.Command) == 0 || r.get("command").IsWhollyKnown() && a.Command[0] == "") {
		r.problem("command", "It must name a program: it is empty.")
	}
	if !r.absent("interpreter") && r.get("interpreter").IsKnown() && len(a.Interpreter) == 0 {
		r.problem("interpreter", "It must name a program: it is empty.")
	}
	for name := range a.Environment {
		if !validVariable(name) {
			r.problem("environment", "%q cannot be the name of a variable: it is empty, or holds = or a zero byte.", name)
		}
	}
	return a
}

func (r *reader) retry() retry {
	b, ok := r.block("retry")
	if !ok {
		return retry{Attempts: 1}
	}
	out := retry{Attempts: defaultAttempts, MinBackoff: b.duration("min_backoff"), MaxBackoff: b.duration("max_backoff"),
		OnExitCodes: b.numbers("on_exit_codes", numberRange{-1, 255}), OnStatus: b.numbers("on_status", numberRange{100, 599})}
	if n := b.numbers("attempts", numberRange{1, MaxAttempts}); len(n) == 1 {
		out.Attempts = n[0]
	}
	if out.MinBackoff == 0 {
		out.MinBackoff = defaultMinBackoff
	}
	if out.MaxBackoff == 0 {
		out.MaxBackoff = max(defaultMaxBackoff, out.MinBackoff)
	}
	if out.MaxBackoff < out.MinBackoff {
		b.problem("max_backoff", "It is %s, less than min_backoff, which is %s.", out.MaxBackoff, out.MinBackoff)
	}
	return out
}

func (r *reader) request() *request {
	out := &request{
		Method: r.text("method"), URL: r.text("url"), Headers: r.textMap("headers"), Body: r.text("body"),
		ExpectedStatus: r.numbers("expected_status", numberRange{100, 599}), CACertificate: r.text("ca_certificate"),
		ClientCertificate: r.text("client_certificate"), ClientKey: r.text("client_key"),
	}
	if out.Method == "" && r.get("method").IsKnown() {
		out.Method = "GET"
	}
	if v := r.get("insecure"); v.IsKnown() && !v.IsNull() {
		out.Insecure = v.True()
	}
	r.checkRequest(out)
	return out
}

// hidden reports whether the outputs are sensitive.
func (s spec) hidden() bool {
	if s.sensitive != nil {
		return *s.sensitive
	}
	return s.secret
}

// exits reports whether the exit code is one of success.
func (a action) exits(code int) bool {
	if len(a.OKExitCodes) == 0 {
		return code == 0
	}
	return contains(a.OKExitCodes, code)
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}
