package provider

import (
	"context"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"google.golang.org/grpc/status"

	"tutti/internal/diag"
)

// IDs of diagnostics that callers tell apart.
const (
	CrashedID      = "provider-crashed"
	KilledID       = "provider-did-not-stop"
	FailedID       = "call-to-provider-failed"
	InvalidValueID = "invalid-value-from-provider"
	CancelledID    = "operation-cancelled" // an Apply was not begun
	StartFailedID  = "provider-failed-to-start"
)

// InDoubt reports whether an Apply that gave these diagnostics may have done
// something that its response does not tell: the provider went away before it
// answered, or its answer cannot be understood.
func InDoubt(diags diag.List) bool {
	return slices.ContainsFunc(diags, func(d *diag.Diagnostic) bool {
		switch d.ID() {
		case CrashedID, KilledID, FailedID, InvalidValueID:
			return true
		default:
			return false
		}
	})
}

// failure is how a call can fail without an answer of the provider.
type failure uint8

const (
	failed failure = iota + 1
	crashed
	killedAfterStop
	closed
	unimplemented
)

// callError is a call that got no answer.
type callError struct {
	kind     failure
	call     string
	err      error
	log      string // last lines, indented
	panicked bool
}

func (e *callError) Error() string { return fmt.Sprintf("%s: %v", e.call, e.err) }
func (e *callError) Unwrap() error { return e.err }

// startError is a provider that could not be started.
type startError struct{ headline, detail string }

func (e *startError) Error() string { return e.headline + ": " + e.detail }

// diagnose turns a Go error of a process or call into what the user is told.
func diagnose(name string, err error) diag.List {
	var ce *callError
	var se *startError
	switch {
	case errors.As(err, &se):
		d := &diag.Diagnostic{Severity: diag.Error, Headline: se.headline, Detail: se.detail}
		return diag.List{d.WithID(StartFailedID)}
	case errors.As(err, &ce):
		return ce.diagnose(name)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return diag.Errorf(nil, "Operation cancelled", "The call to provider %s was given up: %s.", name, err)
	default:
		return diag.FromError("Provider failed", err)
	}
}

func (e *callError) diagnose(name string) diag.List {
	switch e.kind {
	case crashed:
		how := "ended"
		if e.panicked {
			how = "crashed with a panic"
		}
		return diag.Errorf(nil, "Provider crashed", "Provider %s %s while it carried out %s. "+
			"This is a fault of the provider: please report it to its authors with the lines below.\n\n%s",
			name, how, e.call, orNothing(e.log))
	case killedAfterStop:
		return diag.Errorf(nil, "Provider did not stop", "Provider %s was asked to stop during %s, did not, and was killed. "+
			"What it had begun may or may not exist.", name, e.call)
	case closed:
		return diag.Errorf(nil, "Provider is closed", "Provider %s was already shut down when %s was called.", name, e.call)
	case unimplemented:
		return diag.Errorf(nil, "Not supported by provider", "Provider %s does not know the call %s; a newer version of it may.", name, e.call)
	default:
		detail := fmt.Sprintf("The call %s to provider %s failed: %s.", e.call, name, strings.TrimSuffix(status.Convert(e.err).Message(), "."))
		if e.log != "" {
			detail += "\n\nThe provider's last lines were:\n\n" + e.log
		}
		return diag.Errorf(nil, "Call to provider failed", "%s", detail)
	}
}

func orNothing(log string) string {
	if log == "" {
		return "  (the provider wrote nothing)"
	}
	return log
}

// tooNew finds the version in go-plugin's refusal of a protocol.
var tooNew = regexp.MustCompile(`(?s)incompatible API version.*Plugin version: (\d+)`)

// explainStart tells why a provider did not start, from what the operating
// system or go-plugin said.
func (p *process) explainStart(err error) error {
	path, name := p.opts.Path, p.opts.Name
	text := err.Error()
	switch {
	case p.opts.Reattach != nil:
		return &startError{"Provider cannot be joined", fmt.Sprintf("The running provider %s named by %s did not answer at %s %s: %s.",
			name, ReattachVariable, p.opts.Reattach.Network, p.opts.Reattach.Address, text)}
	case errors.Is(err, fs.ErrNotExist) && !exists(path):
		return &startError{"Provider executable not found", fmt.Sprintf("There is no file %s for provider %s. Run init again to install it.", path, name)}
	case errors.Is(err, fs.ErrNotExist):
		return &startError{"Provider executable cannot be run", fmt.Sprintf("%s needs a loader or interpreter that this machine lacks.", path)}
	case errors.Is(err, fs.ErrPermission):
		return &startError{"Provider executable cannot be run", fmt.Sprintf("%s may not be executed: give it the permission with chmod +x, and see that its file system is not mounted noexec.", path)}
	case errors.Is(err, syscall.ENOEXEC):
		return notExecutable(path, name)
	case tooNew.MatchString(text):
		return &startError{"Unsupported provider protocol", fmt.Sprintf("Provider %s speaks version %s of the protocol; tutti speaks 5 and 6. Choose another version of the provider.",
			name, tooNew.FindStringSubmatch(text)[1])}
	case strings.Contains(text, "timeout while waiting"):
		return &startError{"Provider did not start in time", fmt.Sprintf("Provider %s gave no sign of life within %s.\n\n%s", name, p.opts.StartTimeout, orNothing(p.log.text()))}
	case strings.Contains(text, "unsupported plugin protocol"):
		return &startError{"Unsupported provider protocol", fmt.Sprintf("Provider %s is a plugin of a kind that only Terraform before 0.12 spoke with. Choose a newer version of it.", name)}
	case strings.Contains(text, "Unrecognized remote plugin message"):
		return p.notAPlugin(text)
	default:
		return &startError{"Provider failed to start", fmt.Sprintf("Provider %s (%s): %s.\n\n%s", name, path, text, orNothing(p.log.text()))}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// notAPlugin tells a program that ended at once from one that said something else.
func (p *process) notAPlugin(text string) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(text, "Unrecognized remote plugin message:"), "\n")
	if first = strings.TrimSpace(first); first != "" {
		return &startError{"Not a provider", fmt.Sprintf("%s was to be provider %s, but it says %q instead of what a provider says first.", p.opts.Path, p.opts.Name, clip(first))}
	}
	return &startError{"Provider failed to start", fmt.Sprintf("Provider %s (%s) ended before it could be called.\n\n%s", p.opts.Name, p.opts.Path, orNothing(p.log.text()))}
}

func clip(s string) string {
	const limit = 80
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// notExecutable tells a program for another machine from a file that is none.
func notExecutable(path, name string) error {
	if built := builtFor(path); built != "" {
		return &startError{"Provider built for another platform", fmt.Sprintf("%s, for provider %s, is built for %s; this machine is %s/%s. Install the right package.",
			path, name, built, runtime.GOOS, runtime.GOARCH)}
	}
	return &startError{"Not a provider", fmt.Sprintf("%s, for provider %s, is not a program for any machine: it may be damaged. Install it again.", path, name)}
}

// builtFor reads the platform from an executable's header; "" when it has none.
func builtFor(path string) string {
	if f, err := elf.Open(path); err == nil {
		defer f.Close()
		return "Linux or another Unix on " + strings.TrimPrefix(f.Machine.String(), "EM_")
	}
	if f, err := macho.Open(path); err == nil {
		defer f.Close()
		return "macOS on " + strings.TrimPrefix(f.Cpu.String(), "Cpu")
	}
	if f, err := macho.OpenFat(path); err == nil {
		defer f.Close()
		return "macOS"
	}
	if f, err := pe.Open(path); err == nil {
		defer f.Close()
		return "Windows"
	}
	return ""
}
