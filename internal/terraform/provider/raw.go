package provider

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// rawCodec gives answers as the bytes that they came in, for calls whose answer
// is kept or cut apart rather than looked at. Requests are bytes too.
type rawCodec struct{}

func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// Name is that of the codec whose bytes these are.
func (rawCodec) Name() string { return "proto" }

// invokeRaw calls a procedure that asks nothing and gives its encoded answer.
func (p *process) invokeRaw(ctx context.Context, c call) ([]byte, error) {
	var request, answer []byte
	err := p.invoke(ctx, c, &request, &answer, grpc.ForceCodecV2(rawCodec{}))
	return answer, err
}

// fetch asks for all schemas. Providers older than identities answer that part
// with "unimplemented".
func (p *process) fetch(ctx context.Context) (*pieces, error) {
	schema, err := p.invokeRaw(ctx, callSchema)
	if err != nil {
		return nil, err
	}
	identity, err := p.invokeRaw(ctx, callIdentitySchemas)
	if ce := (*callError)(nil); errors.As(err, &ce) && ce.kind == unimplemented {
		identity, err = nil, nil
	}
	if err != nil {
		return nil, err
	}
	return cut(p.version, schema, identity)
}
