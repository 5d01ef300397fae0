// Package diag holds what tutti says about the files that users write: a
// diagnostic has a fixed headline, a detail that names things and says what to
// do next, and the place in the source that it is about. Every language reports
// through it, so a bad playbook and a bad template look alike.
//
// It owns the diagnostic, its list, its rendering and the search for a near
// name. It must not know any language, do any I/O of its own or import anything
// of tutti's. Failures of the world are Go errors, failures of our own code are
// panics; neither belongs here.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Severity tells whether a diagnostic stops the work.
type Severity uint8

// The severities. The zero value is invalid.
const (
	Error Severity = iota + 1
	Warning
)

// String gives "Error" or "Warning".
func (s Severity) String() string {
	switch s {
	case Error:
		return "Error"
	case Warning:
		return "Warning"
	default:
		panic(fmt.Sprintf("diag: invalid severity %d", s))
	}
}

// Diagnostic is one thing to tell the user.
type Diagnostic struct {
	Severity Severity
	// Headline is fixed for its kind: it holds no names and no values, so that
	// people can search for it. It has no full stop.
	Headline string
	// Detail names what is wrong, where it comes from and what to do next. It
	// is one or more sentences, with full stops; paragraphs are separated by an
	// empty line.
	Detail string
	// Subject is the tightest range that is wrong; nil when no file is to blame.
	Subject *hcl.Range
	// Context is a wider range worth showing with the subject; may be nil.
	Context *hcl.Range
	// Address names the object that the diagnostic is about; may be empty.
	Address string
	// Attribute is the place inside the object's value that is to blame, where no
	// range is known yet: a provider's complaint. Who knows the source turns it
	// into Subject.
	Attribute cty.Path
	// Values are the references inside the subject with what they stand for,
	// already safe to show: "var.port is 80", "var.key is a sensitive value".
	Values []string
	// id overrides the ID that is derived from the headline.
	id string
}

// ID is the stable name of the kind of diagnostic, by which it can be looked up
// or filtered: the headline in lower case with hyphens, unless set otherwise.
func (d *Diagnostic) ID() string {
	if d.id != "" {
		return d.id
	}
	return slug(d.Headline)
}

// WithID gives a copy whose ID is not derived from the headline.
func (d Diagnostic) WithID(id string) *Diagnostic {
	d.id = id
	return &d
}

// Error makes a diagnostic usable where an error is expected.
func (d *Diagnostic) Error() string {
	var b strings.Builder
	if d.Subject != nil {
		fmt.Fprintf(&b, "%s:%d: ", d.Subject.Filename, d.Subject.Start.Line)
	}
	b.WriteString(d.Headline)
	if d.Detail != "" {
		b.WriteString(": ")
		b.WriteString(d.Detail)
	}
	return b.String()
}

// List is what a function that reads users' files gives back beside its result.
// Warnings travel in it too, so it is returned at every exit.
type List []*Diagnostic

// HasErrors reports whether any diagnostic in the list is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Err gives the list as a Go error, or nil when it holds no error.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	errs := make([]error, 0, len(l))
	for _, d := range l {
		if d.Severity == Error {
			errs = append(errs, d)
		}
	}
	return errors.Join(errs...)
}

// At gives the list with the subject set on each diagnostic that has none.
func (l List) At(rng hcl.Range) List {
	out := l
	for i, d := range l {
		if d.Subject == nil {
			if &out[0] == &l[0] {
				out = slices.Clone(l) // it may be kept and given out elsewhere
			}
			c := *d
			c.Subject = &rng
			out[i] = &c
		}
	}
	return out
}

// In gives the list with the address set on each diagnostic that has none.
func (l List) In(address string) List {
	out := l
	for i, d := range l {
		if d.Address == "" {
			if &out[0] == &l[0] {
				out = slices.Clone(l) // it may be kept and given out elsewhere
			}
			c := *d
			c.Address = address
			out[i] = &c
		}
	}
	return out
}

// Sorted gives the list in the order of the files, what has no place last, and
// without repetitions.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, compare)
	return slices.CompactFunc(out, func(a, b *Diagnostic) bool { return compare(a, b) == 0 })
}

func compare(a, b *Diagnostic) int {
	switch {
	case (a.Subject == nil) != (b.Subject == nil):
		if a.Subject == nil {
			return 1
		}
		return -1
	case a.Subject != nil:
		if c := cmp.Or(cmp.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Headline, b.Headline), cmp.Compare(a.Detail, b.Detail))
}

// Errorf makes a list of one error. The range may be nil.
func Errorf(rng *hcl.Range, headline, detail string, args ...any) List {
	return List{newf(Error, rng, headline, detail, args)}
}

// Warnf makes a list of one warning. The range may be nil.
func Warnf(rng *hcl.Range, headline, detail string, args ...any) List {
	return List{newf(Warning, rng, headline, detail, args)}
}

func newf(s Severity, rng *hcl.Range, headline, detail string, args []any) *Diagnostic {
	if len(args) > 0 {
		detail = fmt.Sprintf(detail, args...)
	}
	return &Diagnostic{Severity: s, Headline: headline, Detail: detail, Subject: rng}
}

// FromError makes a diagnostic of a failure of the world, so that it can be
// shown beside the others. A nil error gives an empty list.
func FromError(headline string, err error) List {
	if err == nil {
		return nil
	}
	var d *Diagnostic
	if errors.As(err, &d) {
		return List{d}
	}
	return Errorf(nil, headline, "%s", sentence(err.Error()))
}

func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return "No further detail is known."
	}
	// A file's name or an address stays as it is written.
	if first, _, _ := strings.Cut(s, " "); !strings.ContainsAny(first, "./\\[_") {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "\n") {
		s += "."
	}
	return s
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}
