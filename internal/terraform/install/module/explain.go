package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
)

// noVersion: none of a module's versions is allowed.
type noVersion struct {
	allowed  constraint.Set
	versions []constraint.Version
}

func (e *noVersion) Error() string {
	return fmt.Sprintf("none of %d versions meets %s", len(e.versions), e.allowed)
}

// explain turns what went wrong with a call into something to tell the user.
func explain(c Call, s Source, err error) diag.List {
	var none *noVersion
	switch {
	case errors.As(err, &none):
		at := c.VersionRange
		if c.Version == "" {
			at = c.SourceRange
		}
		return diag.Errorf(&at, "No fitting module version",
			"No version of %s for the module %q meets the constraint %q. %s", s, c.Name, c.Version, newestOf(none.versions))
	case errors.Is(err, errNoModule):
		return diag.Errorf(&c.SourceRange, "Module not found",
			"The registry %s has no module %s for the call %q.", s.Module.Package.Host.ForDisplay(), s.Module.Package.ForRegistryProtocol(), c.Name)
	default:
		return diag.Errorf(&c.SourceRange, "Module cannot be fetched",
			"The module %q cannot be fetched from %s: %s.", c.Name, redactSource(s.String()), strings.TrimSuffix(strings.TrimSpace(err.Error()), "."))
	}
}

func newestOf(versions []constraint.Version) string {
	if len(versions) == 0 {
		return "There is no version of it at all."
	}
	const most = 5
	names := make([]string, 0, most)
	for _, v := range slices.SortedFunc(slices.Values(versions), func(a, b constraint.Version) int { return b.Compare(a) }) {
		if len(names) == most {
			break
		}
		names = append(names, v.String())
	}
	return "The newest there are: " + strings.Join(names, ", ") + "."
}
