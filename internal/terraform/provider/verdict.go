package provider

import (
	"crypto/sha256"
	"sync"

	"tutti/internal/terraform/provider/tfplugin6"
)

// maxVerdicts bounds how many answers are remembered.
const maxVerdicts = 1024

// verdicts are what the provider said of configurations that it found valid, which
// may be warnings. Whether one is valid follows from it alone: the protocol has it
// validated even before the provider is configured. The instances of a block often
// have the same one, so it is asked about once. The zero value is empty.
type verdicts struct {
	mu   sync.Mutex
	said map[verdict][]*tfplugin6.Diagnostic
}

// verdict names a configuration without holding what is in it.
type verdict [sha256.Size]byte

func verdictKey(kind Kind, typeName string, config *tfplugin6.DynamicValue) verdict {
	text := make([]byte, 0, len(typeName)+2+len(config.Msgpack))
	text = append(append(append(text, byte(kind)), typeName...), 0)
	return sha256.Sum256(append(text, config.Msgpack...))
}

func (v *verdicts) find(key verdict) (said []*tfplugin6.Diagnostic, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	said, ok = v.said[key]
	return said, ok
}

// keep remembers an answer. When there are too many all are forgotten: those who ask
// again soon are rarely far apart.
func (v *verdicts) keep(key verdict, said []*tfplugin6.Diagnostic) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.said == nil || len(v.said) >= maxVerdicts {
		v.said = make(map[verdict][]*tfplugin6.Diagnostic, 16)
	}
	v.said[key] = said
}
