package task

import (
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
)

func attribute(name string, ty cty.Type) *hcldec.AttrSpec {
	return &hcldec.AttrSpec{Name: name, Type: ty}
}

// actionSpec is what task and on_destroy have in common.
func actionSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"command":       attribute("command", cty.List(cty.String)),
		"script":        attribute("script", cty.String),
		"interpreter":   attribute("interpreter", cty.List(cty.String)),
		"environment":   attribute("environment", cty.Map(cty.String)),
		"working_dir":   attribute("working_dir", cty.String),
		"stdin":         attribute("stdin", cty.String),
		"timeout":       attribute("timeout", cty.String),
		"ok_exit_codes": attribute("ok_exit_codes", cty.List(cty.Number)),
		"idempotent":    attribute("idempotent", cty.Bool),
		"retry":         &hcldec.BlockSpec{TypeName: "retry", Nested: retrySpec()},
		"http":          &hcldec.BlockSpec{TypeName: "http", Nested: httpSpec()},
	}
}

func retrySpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"attempts":      attribute("attempts", cty.Number),
		"min_backoff":   attribute("min_backoff", cty.String),
		"max_backoff":   attribute("max_backoff", cty.String),
		"on_exit_codes": attribute("on_exit_codes", cty.List(cty.Number)),
		"on_status":     attribute("on_status", cty.List(cty.Number)),
	}
}

func httpSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"url":                &hcldec.AttrSpec{Name: "url", Type: cty.String, Required: true},
		"method":             attribute("method", cty.String),
		"headers":            attribute("headers", cty.Map(cty.String)),
		"body":               attribute("body", cty.String),
		"expected_status":    attribute("expected_status", cty.List(cty.Number)),
		"ca_certificate":     attribute("ca_certificate", cty.String),
		"client_certificate": attribute("client_certificate", cty.String),
		"client_key":         attribute("client_key", cty.String),
		"insecure":           attribute("insecure", cty.Bool),
	}
}

// taskSpec is what a task block holds beside the meta-arguments.
func taskSpec() hcldec.ObjectSpec {
	s := actionSpec()
	s["triggers"] = attribute("triggers", cty.DynamicPseudoType)
	s["run"] = attribute("run", cty.String)
	s["creates"] = attribute("creates", cty.DynamicPseudoType)
	s["sensitive"] = attribute("sensitive", cty.Bool)
	s["on_destroy"] = &hcldec.BlockSpec{TypeName: "on_destroy", Nested: actionSpec()}
	return s
}

// approvalSpec is what an approval block holds beside the meta-arguments.
func approvalSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"message":    &hcldec.AttrSpec{Name: "message", Type: cty.String, Required: true},
		"timeout":    attribute("timeout", cty.String),
		"on_timeout": attribute("on_timeout", cty.String),
		"triggers":   attribute("triggers", cty.DynamicPseudoType),
		"run":        attribute("run", cty.String),
	}
}
