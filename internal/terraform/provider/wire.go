package provider

import (
	"fmt"
)

//go:generate go -C protogen run .

// call is one remote procedure of the protocol, whatever the versions name it.
type call uint8

const (
	callSchema call = iota
	callIdentitySchemas
	callValidateProvider
	callConfigure
	callValidateManaged
	callValidateData
	callValidateEphemeral
	callUpgradeState
	callUpgradeIdentity
	callRead
	callPlan
	callApply
	callImport
	callMove
	callReadData
	callOpenEphemeral
	callRenewEphemeral
	callCloseEphemeral
	callFunction
	callStop
)

// methods names each call in version 5 and in version 6. The messages of both
// versions are the same bytes but for schema attributes and version 5's prepared
// configuration, so that version 6's Go types serve both (TestWireCompatible).
var methods = [...]struct{ five, six string }{
	callSchema:            {"GetSchema", "GetProviderSchema"},
	callIdentitySchemas:   {"GetResourceIdentitySchemas", "GetResourceIdentitySchemas"},
	callValidateProvider:  {"PrepareProviderConfig", "ValidateProviderConfig"},
	callConfigure:         {"Configure", "ConfigureProvider"},
	callValidateManaged:   {"ValidateResourceTypeConfig", "ValidateResourceConfig"},
	callValidateData:      {"ValidateDataSourceConfig", "ValidateDataResourceConfig"},
	callValidateEphemeral: {"ValidateEphemeralResourceConfig", "ValidateEphemeralResourceConfig"},
	callUpgradeState:      {"UpgradeResourceState", "UpgradeResourceState"},
	callUpgradeIdentity:   {"UpgradeResourceIdentity", "UpgradeResourceIdentity"},
	callRead:              {"ReadResource", "ReadResource"},
	callPlan:              {"PlanResourceChange", "PlanResourceChange"},
	callApply:             {"ApplyResourceChange", "ApplyResourceChange"},
	callImport:            {"ImportResourceState", "ImportResourceState"},
	callMove:              {"MoveResourceState", "MoveResourceState"},
	callReadData:          {"ReadDataSource", "ReadDataSource"},
	callOpenEphemeral:     {"OpenEphemeralResource", "OpenEphemeralResource"},
	callRenewEphemeral:    {"RenewEphemeralResource", "RenewEphemeralResource"},
	callCloseEphemeral:    {"CloseEphemeralResource", "CloseEphemeralResource"},
	callFunction:          {"CallFunction", "CallFunction"},
	callStop:              {"Stop", "StopProvider"},
}

// name gives the procedure's own name, for messages.
func (c call) name(version int) string {
	switch version {
	case 5:
		return methods[c].five
	case 6:
		return methods[c].six
	default:
		panic(fmt.Sprintf("provider: protocol version %d was never negotiated", version))
	}
}

// method gives the full name under which gRPC knows the procedure.
func (c call) method(version int) string {
	return fullNames[version-5][c]
}

// fullNames holds what method gives, so that no call builds a string.
var fullNames = [2][len(methods)]string{buildNames(5), buildNames(6)}

func buildNames(version int) (out [len(methods)]string) {
	for c := range out {
		out[c] = fmt.Sprintf("/tfplugin%d.Provider/%s", version, call(c).name(version))
	}
	return out
}

// patient reports whether a call changes the world, so that cancelling it must
// first ask the provider to stop and wait for what came of it.
func (c call) patient() bool {
	switch c {
	case callApply, callOpenEphemeral, callCloseEphemeral, callRenewEphemeral:
		return true
	default:
		return false
	}
}
