package command

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// connectionState is the kernel's number of a TCP state; "" when there is no such state.
func connectionState(name string) string {
	return map[string]string{"ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04",
		"FIN_WAIT2": "05", "TIME_WAIT": "06"}[name]
}

// addresses resolves host names into the way in which /proc/net/tcp writes addresses. An IPv4
// address stands there for itself and for its IPv6 form.
func (w *wait) addresses(ctx context.Context, hosts []string) ([]string, error) {
	var list []string
	for _, h := range hosts {
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", h)
		if err != nil {
			return nil, fmt.Errorf("the host %s of wait_for cannot be resolved: %w", h, err)
		}
		for _, a := range found {
			a = a.Unmap()
			list = append(list, procAddress(a))
			if a.Is4() {
				list = append(list, procAddress(netip.AddrFrom16(a.As16())))
			}
		}
	}
	return list, nil
}

// procAddress writes an address as the kernel does in /proc/net/tcp: words of four bytes in
// the machine's own order, in hexadecimal digits.
func procAddress(a netip.Addr) string {
	raw := a.AsSlice()
	var b strings.Builder
	for i := 0; i < len(raw); i += 4 {
		fmt.Fprintf(&b, "%08X", binary.NativeEndian.Uint32(raw[i:]))
	}
	return b.String()
}

// connections counts those to the port at one of the addresses, or at all of them, which are
// in one of the states that count.
func (w *wait) connections(ips, excluded []string) int {
	var states []string
	for _, s := range w.call.Strings("active_connection_states") {
		states = append(states, connectionState(s))
	}
	const all4, all6 = "00000000", "00000000000000000000000000000000"
	const mapped = "0000000000000000FFFF0000"
	anywhere4 := slices.Contains(ips, all4)
	port := fmt.Sprintf("%04X", w.port)
	count := 0
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			f := strings.Fields(line)
			if len(f) < 4 || f[1] == "local_address" || !slices.Contains(states, f[3]) {
				continue
			}
			local, localPort, _ := strings.Cut(f[1], ":")
			remote, _, _ := strings.Cut(f[2], ":")
			if localPort != port || slices.Contains(excluded, remote) {
				continue
			}
			everywhere := len(local) == len(all4) && anywhere4 || len(local) == len(all6) && slices.Contains(ips, all6) ||
				strings.HasPrefix(local, mapped) && anywhere4
			if everywhere || slices.Contains(ips, local) {
				count++
			}
		}
	}
	return count
}
