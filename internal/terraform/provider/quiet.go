package provider

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// quiet gives the variables that keep a provider from tracing. Without them
// providers built on the published framework write every step of every call to
// their standard error and leave it to the host to throw that away, which takes
// them longer than the work (measured: a plan of local_file 2.7 ms, 1.1 ms with
// these). Warnings still come, for the message when a provider crashes. Nothing
// is set for a user who asks for logs.
func (o *LaunchOptions) quiet(environment []string) []string {
	if o.Log != nil {
		return nil
	}
	for _, v := range environment {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "TF_LOG") && value != "" {
			return nil
		}
	}
	return []string{
		"TF_LOG_SDK=WARN", "TF_LOG_SDK_PROTO=WARN", "TF_LOG_SDK_FRAMEWORK=WARN",
		"TF_LOG_PROVIDER_" + o.logName() + "=WARN",
	}
}

// logName is how a provider calls itself in the name of its log variable.
func (o *LaunchOptions) logName() string {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(o.Path), "terraform-provider-"), "_")
	if i := strings.LastIndexByte(o.Name, '/'); i >= 0 {
		name = o.Name[i+1:]
	}
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

const (
	// relaxedCollector lets a provider's heap grow to three times what is alive before
	// Go's garbage collector runs, which is twice by default. More would save half as
	// much time again, for three times as much memory.
	relaxedCollector = "GOGC=200"
	// smallProvider is up to how many bytes of executable that is done. What a
	// provider keeps alive is mostly its schemas and grows with its code: a small one
	// keeps some MB alive, one of hundreds of MB keeps as much, and memory is dearer.
	smallProvider = 64 << 20
)

// collector gives the variables that spare a small provider most of its garbage
// collections. Such a process makes much garbage and keeps little, so it collects
// all the time (measured: a third of the processor time of creating random_id and
// local_file, which this halves). What the user says about the collector stands.
func (o *LaunchOptions) collector(environment []string) []string {
	for _, v := range environment {
		if name, _, _ := strings.Cut(v, "="); name == "GOGC" || name == "GOMEMLIMIT" {
			return nil
		}
	}
	if at, err := os.Stat(o.Path); err != nil || at.Size() > smallProvider {
		return nil
	}
	return []string{relaxedCollector}
}

// environment is what is added to our own for the provider's process.
func (o *LaunchOptions) environment() []string {
	all := append(os.Environ(), o.Env...)
	return slices.Concat(o.quiet(all), o.collector(all), o.Env)
}
