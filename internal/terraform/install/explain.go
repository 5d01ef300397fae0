package install

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/source"
)

// explain turns what went wrong with a provider into something to tell the user
// at the place where the provider is required.
func explain(w *wanted, err error) diag.List {
	if err == nil {
		return nil
	}
	var (
		conflict *lockConflict
		none     *noVersion
		missing  *source.NotFoundError
		platform *source.PlatformError
		protocol *source.ProtocolError
		sum      *ChecksumError
	)
	at := w.at()
	switch {
	case errors.As(err, &conflict):
		return diag.Errorf(at, "Locked provider version does not fit",
			"%s. Run \"tutti init -upgrade\" to choose another version, or change the constraint.%s", sentence(err), w.places())
	case errors.As(err, &none):
		return diag.Errorf(at, "No fitting provider version", "%s. %s%s", sentence(err), newestOf(none.versions), w.places())
	case errors.As(err, &missing):
		return diag.Errorf(at, "Provider not found", "%s.%s%s", sentence(err), otherAddress(w.source, missing.Elsewhere), w.places())
	case errors.As(err, &platform):
		return diag.Errorf(at, "Provider not available for this platform", "%s. Choose a version that has one, or build the provider for it and put it into a filesystem mirror.", sentence(err))
	case errors.As(err, &protocol):
		return diag.Errorf(at, "Provider speaks an unsupported protocol", "%s.", sentence(err))
	case errors.As(err, &sum):
		return diag.Errorf(at, "Provider checksum mismatch", "%s. %s", sentence(err), sumAdvice(sum))
	default:
		return diag.Errorf(at, "Provider cannot be installed", "%s.", sentence(fmt.Errorf("%s: %w", w.source, err)))
	}
}

func sentence(err error) string {
	s := strings.TrimSuffix(strings.TrimSpace(err.Error()), ".")
	// An address stays as it is written.
	if first, _, _ := strings.Cut(s, " "); strings.ContainsAny(first, "./:") || s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// places names the further places where a provider is required.
func (w *wanted) places() string {
	if len(w.ranges) < 2 {
		return ""
	}
	names := make([]string, 0, len(w.ranges)-1)
	for _, r := range w.ranges[1:] {
		names = append(names, fmt.Sprintf("%s:%d", r.Filename, r.Start.Line))
	}
	return " It is also required at " + strings.Join(names, ", ") + "."
}

func newestOf(versions []constraint.Version) string {
	if len(versions) == 0 {
		return "There is no version of it at all."
	}
	const most = 5
	sorted := slices.SortedFunc(slices.Values(versions), func(a, b constraint.Version) int { return b.Compare(a) })
	names := make([]string, 0, most)
	for _, v := range sorted[:min(most, len(sorted))] {
		names = append(names, v.String())
	}
	text := "The newest there are: " + strings.Join(names, ", ") + "."
	if sorted[0].Prerelease() {
		text += " A pre-release is chosen only by a constraint that names exactly it."
	}
	return text
}

// otherAddress says what to do when the provider is there under another host.
func otherAddress(p tfaddr.Provider, elsewhere []tfaddr.Provider) string {
	if len(elsewhere) == 0 {
		if p.Namespace == "hashicorp" {
			return fmt.Sprintf(" If it is not HashiCorp's own, name its source for %q in required_providers.", p.Type)
		}
		return " Look whether the address is right, and whether provider_installation in the CLI configuration names where it can be had."
	}
	other := elsewhere[0]
	text := fmt.Sprintf(" But there it is known as %s.", other)
	if other.Hostname == lockfile.OpenTofuHost || p.Hostname == lockfile.OpenTofuHost {
		text += fmt.Sprintf(" A source without a host means %s here, because %s.", p.Hostname.ForDisplay(), whyHost(p))
	}
	return text + fmt.Sprintf(" Write source = %q in required_providers, or offer the package under %s as well.", other, p.Hostname.ForDisplay())
}

func whyHost(p tfaddr.Provider) string {
	if p.Hostname == lockfile.OpenTofuHost {
		return "the lock file was made by OpenTofu"
	}
	return "no lock file of OpenTofu says otherwise"
}

func sumAdvice(e *ChecksumError) string {
	if e.By != "the lock file" {
		return "The download may have been damaged or tampered with. Try again; if it stays so, tell whoever runs the server."
	}
	return "Either the package was changed after it was locked, or the lock file was made on another platform. " +
		"If you trust it, record it with \"tutti providers lock\", or remove the provider's block from the lock file and run \"tutti init\"."
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
