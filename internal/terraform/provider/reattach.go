package provider

import (
	"encoding/json"
	"fmt"
	"net"

	"github.com/hashicorp/go-plugin"
)

// ReattachVariable is the environment variable that names providers which run
// already, as `-debug` of a provider prints it.
const ReattachVariable = "TF_REATTACH_PROVIDERS"

// Reattach is how to reach a provider that runs already.
type Reattach struct {
	Protocol        string // "grpc"
	ProtocolVersion int    // 5 or 6; 0 means 5
	Pid             int
	Test            bool // the process ends itself and is not to be killed
	Network         string
	Address         string
}

// ParseReattach reads the value of TF_REATTACH_PROVIDERS: a JSON object from
// provider addresses, as the user wrote them, to how to reach each. An empty
// text gives an empty map.
func ParseReattach(text string) (map[string]*Reattach, error) {
	if text == "" {
		return nil, nil
	}
	var parsed map[string]struct {
		Protocol        string
		ProtocolVersion int
		Pid             int
		Test            bool
		Addr            struct{ Network, String string }
	}
	if err := json.Unmarshal([]byte(text), &parsed); err != nil {
		return nil, fmt.Errorf("%s: %w", ReattachVariable, err)
	}
	out := make(map[string]*Reattach, len(parsed))
	for name, p := range parsed {
		r := &Reattach{p.Protocol, p.ProtocolVersion, p.Pid, p.Test, p.Addr.Network, p.Addr.String}
		if r.ProtocolVersion == 0 {
			r.ProtocolVersion = 5
		}
		if err := r.check(); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", ReattachVariable, name, err)
		}
		out[name] = r
	}
	return out, nil
}

func (r *Reattach) check() error {
	switch {
	case r.Protocol != "grpc":
		return fmt.Errorf("protocol %q is not supported, only grpc is", r.Protocol)
	case r.ProtocolVersion != 5 && r.ProtocolVersion != 6:
		return fmt.Errorf("protocol version %d is not supported, only 5 and 6 are", r.ProtocolVersion)
	}
	_, err := r.addr()
	return err
}

func (r *Reattach) addr() (net.Addr, error) {
	switch r.Network {
	case "unix":
		return net.ResolveUnixAddr("unix", r.Address)
	case "tcp":
		return net.ResolveTCPAddr("tcp", r.Address)
	default:
		return nil, fmt.Errorf("network %q is not supported, only unix and tcp are", r.Network)
	}
}

func (r *Reattach) config() (*plugin.ReattachConfig, error) {
	addr, err := r.addr()
	if err != nil {
		return nil, err
	}
	return &plugin.ReattachConfig{
		Protocol:        plugin.ProtocolGRPC,
		ProtocolVersion: r.ProtocolVersion,
		Addr:            addr,
		Pid:             r.Pid,
		Test:            r.Test,
	}, nil
}
