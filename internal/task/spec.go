package task

import (
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
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
func readSpec(wanted cty.Value) (spec, []block.Problem) {
	bare, marks := wanted.UnmarkDeepWithPaths()
	r := reader{block.NewReader(bare)}
	s := spec{secret: concernOutputs(marks)}
	r.taskArguments(&s)
	s.action = r.action()
	s.Secrets = block.SecretTexts(bare, marks, block.Secret)
	if d, ok := r.inner("on_destroy"); ok {
		a := d.action()
		a.inherit(s.action, func(name string) bool { return d.Absent(name) }, ephemeralNames(marks))
		a.Secrets = block.SecretTexts(bare, marks, block.Storable)
		s.onDestroy = &a
	}
	r.noEphemeral(marks)
	return s, r.Problems()
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

func (r reader) taskArguments(s *spec) {
	s.run = r.Choice("run", onChange, always, manual)
	s.creates = r.Paths("creates")
	if v := r.Get("sensitive"); v.IsKnown() && !v.IsNull() {
		b := v.True()
		s.sensitive = &b
	}
}

func (r reader) action() action {
	a := action{
		Command: r.Texts("command"), Interpreter: r.Texts("interpreter"), Environment: r.TextMap("environment"),
		WorkingDir: r.Text("working_dir"), Stdin: r.Text("stdin"), Timeout: r.Duration("timeout"),
		OKExitCodes: r.Numbers("ok_exit_codes", block.Range{From: 0, To: 255}), Retry: r.retry(),
	}
	if v := r.Get("script"); v.IsKnown() && !v.IsNull() {
		text := v.AsString()
		a.Script = &text
	}
	if h, ok := r.inner("http"); ok {
		a.HTTP = h.request()
		a.Idempotent = idempotentMethod(a.HTTP.Method)
	}
	if v := r.Get("idempotent"); v.IsKnown() && !v.IsNull() {
		a.Idempotent = v.True()
	}
	r.OneOf("command", "script", "http")
	if !r.Absent("command") && r.Get("command").IsKnown() && (len(a.Command) == 0 || r.Get("command").IsWhollyKnown() && a.Command[0] == "") {
		r.Problem("command", "It must name a program: it is empty.")
	}
	if !r.Absent("interpreter") && r.Get("interpreter").IsKnown() && len(a.Interpreter) == 0 {
		r.Problem("interpreter", "It must name a program: it is empty.")
	}
	for name := range a.Environment {
		if !validVariable(name) {
			r.Problem("environment", "%q cannot be the name of a variable: it is empty, or holds = or a zero byte.", name)
		}
	}
	return a
}

func (r reader) retry() retry {
	b, ok := r.inner("retry")
	if !ok {
		return retry{Attempts: 1}
	}
	out := retry{Attempts: defaultAttempts, MinBackoff: b.Duration("min_backoff"), MaxBackoff: b.Duration("max_backoff"),
		OnExitCodes: b.Numbers("on_exit_codes", block.Range{From: -1, To: 255}), OnStatus: b.Numbers("on_status", block.Range{From: 100, To: 599})}
	if n := b.Numbers("attempts", block.Range{From: 1, To: MaxAttempts}); len(n) == 1 {
		out.Attempts = n[0]
	}
	if out.MinBackoff == 0 {
		out.MinBackoff = defaultMinBackoff
	}
	if out.MaxBackoff == 0 {
		out.MaxBackoff = max(defaultMaxBackoff, out.MinBackoff)
	}
	if out.MaxBackoff < out.MinBackoff {
		b.Problem("max_backoff", "It is %s, less than min_backoff, which is %s.", out.MaxBackoff, out.MinBackoff)
	}
	return out
}

func (r reader) request() *request {
	out := &request{
		Method: r.Text("method"), URL: r.Text("url"), Headers: r.TextMap("headers"), Body: r.Text("body"),
		ExpectedStatus: r.Numbers("expected_status", block.Range{From: 100, To: 599}), CACertificate: r.Text("ca_certificate"),
		ClientCertificate: r.Text("client_certificate"), ClientKey: r.Text("client_key"),
	}
	if out.Method == "" && r.Get("method").IsKnown() {
		out.Method = "GET"
	}
	if v := r.Get("insecure"); v.IsKnown() && !v.IsNull() {
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
