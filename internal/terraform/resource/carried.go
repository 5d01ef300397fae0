package resource

import (
	"encoding/binary"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/terraform/schema"
)

// carried is what goes from plan to apply beside the planned value, inside
// Change.Private: the provider's planned private data with what else the apply
// has to know.
type carried struct {
	// destroy says that the private data belongs to a planned destroy.
	destroy bool
	// known says that the configuration was wholly known when it was planned: then
	// there is no need to plan again, as long as it is the same.
	known    bool
	identity cty.Value // the planned identity, cty.NilVal when there is none
	private  []byte
}

// The text form is a byte of flags, the length of the identity's JSON as a
// varint, that JSON, and the provider's data.
const (
	carriedDestroy = 1 << iota
	carriedKnown
)

func (c carried) encode(identity *schema.Block) []byte {
	flags := byte(0)
	if c.destroy {
		flags |= carriedDestroy
	}
	if c.known {
		flags |= carriedKnown
	}
	var id []byte
	if identity != nil && c.identity != cty.NilVal && !c.identity.IsNull() && wholly(c.identity) {
		// An identity that is not known yet is none to the provider.
		if src, err := ctyjson.Marshal(c.identity, identity.Type()); err == nil {
			id = src
		}
	}
	out := make([]byte, 1, 1+binary.MaxVarintLen32+len(id)+len(c.private))
	out[0] = flags
	out = binary.AppendUvarint(out, uint64(len(id)))
	out = append(out, id...)
	return append(out, c.private...)
}

// decodeCarried reads what encode wrote; what does not read is as if nothing had
// been carried, so that the apply plans again.
func decodeCarried(src []byte, identity *schema.Block) carried {
	if len(src) < 2 {
		return carried{}
	}
	n, width := binary.Uvarint(src[1:])
	rest := src[1+max(width, 0):]
	if width <= 0 || n > uint64(len(rest)) {
		return carried{}
	}
	c := carried{destroy: src[0]&carriedDestroy != 0, known: src[0]&carriedKnown != 0}
	if n > 0 && identity != nil {
		if id, err := ctyjson.Unmarshal(rest[:n], identity.Type()); err == nil {
			c.identity = id
		}
	}
	if p := rest[n:]; len(p) > 0 {
		c.private = p
	}
	return c
}
