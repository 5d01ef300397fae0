package integration

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/aws/catalog"
	"tutti/internal/diag"
	"tutti/internal/stepfunctions/definition"
)

// Recognise gives what definition.Options.Recognise takes: whether there is such a
// service, such an action of it, and whether it can be called that way. It keeps what
// it has looked up, and is not for concurrent use.
func Recognise() func(definition.Resource) string {
	var services catalog.Catalog
	integrations := optimised()
	return func(r definition.Resource) string {
		if name, sdk := strings.CutPrefix(r.Service, sdkPrefix); sdk {
			return unknownAction(&services, name, r.Action)
		}
		s, known := integrations[r.Service]
		if !known {
			names := slices.Sorted(maps.Keys(integrations))
			return fmt.Sprintf("there is no integration with %s; %s. There are %s.%s", r.Service, otherwise(&services, r.Service, r.Action), strings.Join(names, ", "), diag.DidYouMean(r.Service, names))
		}
		a, known := s.actions[r.Action]
		names := slices.Sorted(maps.Keys(s.actions))
		switch {
		case !known:
			return fmt.Sprintf("the integration with %s has no action %s; %s. It has %s.%s", r.Service, r.Action, otherwise(&services, s.name, r.Action), strings.Join(names, ", "), diag.DidYouMean(r.Action, names))
		case a.job == nil && (r.Pattern == definition.Sync || r.Pattern == definition.Sync2):
			return fmt.Sprintf("%s:%s cannot be called as %s", r.Service, r.Action, r.Pattern)
		}
		return ""
	}
}

// unknownAction tells what is wrong with an action of the SDK. Services are named as
// the clients of the Java SDK are.
func unknownAction(services *catalog.Catalog, name, action string) string {
	clients := services.Clients()
	if _, known := slices.BinarySearch(clients, name); !known {
		hint := diag.DidYouMean(name, clients)
		if s, ok := services.Service(name); ok {
			hint = fmt.Sprintf(" Did you mean %q?", catalog.ClientName(s.ID))
		}
		return fmt.Sprintf("AWS has no service %s.%s", name, hint)
	}
	s, ok := services.Service(name)
	if !ok {
		return fmt.Sprintf("AWS has no service %s", name)
	}
	lower := make([]string, len(s.Operations))
	for i, o := range s.Operations {
		lower[i] = strings.ToLower(o.Name[:1]) + o.Name[1:]
	}
	if !slices.Contains(lower, action) {
		return fmt.Sprintf("%s has no action %s.%s", name, action, diag.DidYouMean(action, lower))
	}
	return ""
}

// otherwise tells how else an action is called that no integration has: as the SDK has it, if it does.
func otherwise(services *catalog.Catalog, name, action string) string {
	if s, known := services.Service(name); known {
		if _, known := s.Operation(action); known {
			return fmt.Sprintf("call it as aws-sdk:%s:%s", catalog.ClientName(s.ID), action)
		}
	}
	return "the SDK has no such action either, so only a mapping to a command or URL can carry it out"
}
