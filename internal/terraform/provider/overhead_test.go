package provider

import (
	"context"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"tutti/internal/terraform/provider/providertest"
	"tutti/internal/terraform/provider/tfplugin6"
)

// BenchmarkOverhead plans a local_file by turns through the client and as bytes
// that were encoded beforehand and whose answer nobody looks at: the limit of
// what any client can reach. It prints the ratio.
func BenchmarkOverhead(b *testing.B) {
	p, err := Launch(b.Context(), LaunchOptions{Path: providertest.Real(b, "local"), CacheDir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close() })
	if diags := p.Configure(b.Context(), cty.EmptyObjectVal); diags.HasErrors() {
		b.Fatal(diags.Err())
	}
	schema, _ := p.Schema(b.Context())
	ty := schema.Types.Type(Managed, "local_file").Block.ImpliedType()
	config, planned := map[string]cty.Value{}, map[string]cty.Value{}
	for name, a := range ty.AttributeTypes() {
		config[name] = cty.NullVal(a)
		if planned[name] = config[name]; schema.Types.Type(Managed, "local_file").Block.Attributes[name].Computed {
			planned[name] = cty.UnknownVal(a)
		}
	}
	config["filename"], planned["filename"] = cty.StringVal("/tmp/x"), cty.StringVal("/tmp/x")
	config["content"], planned["content"] = cty.StringVal("x"), cty.StringVal("x")
	req := PlanRequest{TypeName: "local_file", Proposed: cty.ObjectVal(planned), Config: cty.ObjectVal(config)}
	raw := encodedPlan(b, req, ty)
	running := p.(*client).process.Load()
	var bare, ours time.Duration
	for b.Loop() {
		start := time.Now()
		var answer []byte
		if err := running.conn.Invoke(context.Background(), callPlan.method(running.version), &raw, &answer, grpc.ForceCodecV2(rawCodec{})); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, diags := p.Plan(context.Background(), req); diags.HasErrors() {
			b.Fatal(diags.Err())
		}
		bare, ours = bare+middle.Sub(start), ours+time.Since(middle)
	}
	b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N), "bare-ns/call")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ours-ns/call")
	b.ReportMetric(float64(ours)/float64(bare), "ours/bare")
}

func encodedPlan(b *testing.B, req PlanRequest, ty cty.Type) []byte {
	msg := &tfplugin6.PlanResourceChange_Request{TypeName: req.TypeName, ClientCapabilities: &tfplugin6.ClientCapabilities{WriteOnlyAttributesAllowed: true}}
	for to, v := range map[**tfplugin6.DynamicValue]cty.Value{&msg.PriorState: cty.NullVal(ty), &msg.ProposedNewState: req.Proposed, &msg.Config: req.Config} {
		d, err := encode(v, ty)
		if err != nil {
			b.Fatal(err)
		}
		*to = d
	}
	raw, err := proto.Marshal(msg)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}
