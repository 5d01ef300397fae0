package provider

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/types/known/timestamppb"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider/tfplugin6"
)

func (c *client) OpenEphemeral(ctx context.Context, typeName string, config cty.Value) (EphemeralResponse, diag.List) {
	x := c.begin(ctx, Ephemeral, typeName)
	if x.broken {
		return EphemeralResponse{}, x.diags
	}
	msg := &tfplugin6.OpenEphemeralResource_Request{TypeName: typeName, Config: x.put(config, x.ty.Block), ClientCapabilities: c.able}
	var resp tfplugin6.OpenEphemeralResource_Response
	if !x.send(ctx, callOpenEphemeral, msg, &resp) {
		return EphemeralResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := EphemeralResponse{Private: resp.Private, RenewAt: unixNano(resp.RenewAt), Deferred: decodeDeferred(resp.Deferred)}
	if !x.broken {
		out.Result = x.get(resp.Result, x.ty.Block)
	}
	return out, x.diags
}

func (c *client) RenewEphemeral(ctx context.Context, typeName string, private []byte) (EphemeralResponse, diag.List) {
	x := c.begin(ctx, Ephemeral, typeName)
	var resp tfplugin6.RenewEphemeralResource_Response
	if !x.send(ctx, callRenewEphemeral, &tfplugin6.RenewEphemeralResource_Request{TypeName: typeName, Private: private}, &resp) {
		return EphemeralResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	return EphemeralResponse{Private: resp.Private, RenewAt: unixNano(resp.RenewAt)}, x.diags
}

func (c *client) CloseEphemeral(ctx context.Context, typeName string, private []byte) diag.List {
	x := c.begin(ctx, Ephemeral, typeName)
	var resp tfplugin6.CloseEphemeralResource_Response
	if x.send(ctx, callCloseEphemeral, &tfplugin6.CloseEphemeralResource_Request{TypeName: typeName, Private: private}, &resp) {
		x.add(decodeDiagnostics(resp.Diagnostics))
	}
	return x.diags
}

func unixNano(t *timestamppb.Timestamp) int64 {
	if t == nil {
		return 0
	}
	return t.AsTime().UnixNano()
}

func (c *client) CallFunction(ctx context.Context, name string, args []cty.Value) (cty.Value, error) {
	x := c.begin(ctx, 0, "")
	if x.broken {
		return cty.NilVal, x.diags.Err()
	}
	f := x.schema.Functions[name]
	if f == nil {
		return cty.NilVal, fmt.Errorf("provider %s has no function %q", c.opts.Name, name)
	}
	if err := f.checkCount(len(args)); err != nil {
		return cty.NilVal, fmt.Errorf("function %s: %w", name, err)
	}
	msg := &tfplugin6.CallFunction_Request{Name: name}
	for i, arg := range args {
		d, err := encode(arg, f.argumentType(i))
		if err != nil {
			return cty.NilVal, &FunctionError{Text: err.Error(), Argument: i}
		}
		msg.Arguments = append(msg.Arguments, d)
	}
	var resp tfplugin6.CallFunction_Response
	if !x.send(ctx, callFunction, msg, &resp) {
		return cty.NilVal, x.diags.Err()
	}
	if resp.Error != nil {
		e := &FunctionError{Text: resp.Error.Text, Argument: -1}
		if at := resp.Error.FunctionArgument; at != nil && *at >= 0 && *at < int64(len(args)) {
			e.Argument = int(*at)
		}
		return cty.NilVal, e
	}
	v, err := decode(resp.Result, f.Return)
	if err != nil {
		return cty.NilVal, fmt.Errorf("provider %s gave for function %s what is not of its declared type: %w", c.opts.Name, name, err)
	}
	return v, nil
}

// checkCount sees that there is an argument for each parameter and no more.
func (f *Function) checkCount(n int) error {
	switch {
	case n < len(f.Parameters):
		return fmt.Errorf("a value for parameter %q is missing", f.Parameters[n].Name)
	case n > len(f.Parameters) && f.Variadic == nil:
		return fmt.Errorf("%d values were given for %d parameters", n, len(f.Parameters))
	default:
		return nil
	}
}

// argumentType gives the type of the i-th argument.
func (f *Function) argumentType(i int) cty.Type {
	if i < len(f.Parameters) {
		return f.Parameters[i].Type
	}
	return f.Variadic.Type
}
