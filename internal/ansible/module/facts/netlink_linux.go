package facts

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// address is one address of an interface, as the kernel tells it.
type address struct {
	index int
	// own is the address itself; peer is set on point-to-point interfaces.
	own, peer netip.Addr
	prefix    int
	broadcast netip.Addr
	scope     string
	label     string
	secondary bool
}

// addresses asks the kernel for all addresses of all interfaces.
func addresses() []address {
	var found []address
	for _, m := range dump(unix.RTM_GETADDR, unix.AF_UNSPEC) {
		if m.Header.Type != unix.RTM_NEWADDR || len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		a := address{index: int(binary.NativeEndian.Uint32(m.Data[4:8])), prefix: int(m.Data[1]), scope: scopeName(m.Data[3])}
		flags := uint32(m.Data[2])
		attributes, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			continue
		}
		var address netip.Addr
		for _, attr := range attributes {
			switch attr.Attr.Type {
			case unix.IFA_ADDRESS:
				address, _ = netip.AddrFromSlice(attr.Value)
			case unix.IFA_LOCAL:
				a.own, _ = netip.AddrFromSlice(attr.Value)
			case unix.IFA_BROADCAST:
				a.broadcast, _ = netip.AddrFromSlice(attr.Value)
			case unix.IFA_LABEL:
				a.label = unix.ByteSliceToString(attr.Value)
			case unix.IFA_FLAGS:
				flags = binary.NativeEndian.Uint32(attr.Value)
			}
		}
		switch {
		case !a.own.IsValid():
			a.own = address
		case address.IsValid() && address != a.own:
			a.peer = address
		}
		a.secondary = flags&unix.IFA_F_SECONDARY != 0
		if a.own.IsValid() {
			found = append(found, a)
		}
	}
	return found
}

func scopeName(scope byte) string {
	switch scope {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	case unix.RT_SCOPE_NOWHERE:
		return "nowhere"
	default:
		return strconv.Itoa(int(scope))
	}
}

// route is one route, or the way to one address.
type route struct {
	local       bool // its target is this host
	unicast     bool
	table       int
	destination netip.Prefix
	index       int
	gateway     netip.Addr
	source      netip.Addr
}

// localRoutes are those whose targets are this host itself.
func localRoutes(family int) []route {
	var found []route
	for _, m := range dump(unix.RTM_GETROUTE, family) {
		if r, ok := parseRoute(m); ok && r.local && r.table == unix.RT_TABLE_LOCAL {
			found = append(found, r)
		}
	}
	return found
}

func parseRoute(m syscall.NetlinkMessage) (route, bool) {
	if m.Header.Type != unix.RTM_NEWROUTE || len(m.Data) < unix.SizeofRtMsg {
		return route{}, false
	}
	attributes, err := syscall.ParseNetlinkRouteAttr(&m)
	if err != nil {
		return route{}, false
	}
	r := route{local: m.Data[7] == unix.RTN_LOCAL, unicast: m.Data[7] == unix.RTN_UNICAST, table: int(m.Data[4])}
	var target netip.Addr
	for _, attr := range attributes {
		switch attr.Attr.Type {
		case unix.RTA_DST:
			target, _ = netip.AddrFromSlice(attr.Value)
		case unix.RTA_OIF:
			r.index = int(binary.NativeEndian.Uint32(attr.Value))
		case unix.RTA_GATEWAY:
			r.gateway, _ = netip.AddrFromSlice(attr.Value)
		case unix.RTA_VIA:
			if len(attr.Value) > 2 {
				r.gateway, _ = netip.AddrFromSlice(attr.Value[2:])
			}
		case unix.RTA_PREFSRC:
			r.source, _ = netip.AddrFromSlice(attr.Value)
		case unix.RTA_TABLE:
			r.table = int(binary.NativeEndian.Uint32(attr.Value))
		}
	}
	if target.IsValid() {
		r.destination = netip.PrefixFrom(target, int(m.Data[1]))
	}
	return r, true
}

// dump asks the kernel for a whole table.
func dump(kind, family int) []syscall.NetlinkMessage {
	raw, err := syscall.NetlinkRIB(kind, family)
	if err != nil {
		return nil
	}
	messages, err := syscall.ParseNetlinkMessage(raw)
	if err != nil {
		return nil
	}
	return messages
}

// routeTo asks the kernel which way leads to an address, as "ip route get" does.
func routeTo(target netip.Addr) (route, bool) {
	family, bytes := byte(unix.AF_INET), target.AsSlice()
	if target.Is6() {
		family = unix.AF_INET6
	}
	size := unix.SizeofNlMsghdr + unix.SizeofRtMsg + unix.SizeofRtAttr + len(bytes)
	request := make([]byte, size)
	binary.NativeEndian.PutUint32(request[0:], uint32(size))
	binary.NativeEndian.PutUint16(request[4:], unix.RTM_GETROUTE)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST)
	message := request[unix.SizeofNlMsghdr:]
	message[0], message[1] = family, byte(len(bytes)*8)
	attribute := message[unix.SizeofRtMsg:]
	binary.NativeEndian.PutUint16(attribute[0:], uint16(unix.SizeofRtAttr+len(bytes)))
	binary.NativeEndian.PutUint16(attribute[2:], unix.RTA_DST)
	copy(attribute[unix.SizeofRtAttr:], bytes)

	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return route{}, false
	}
	defer unix.Close(socket)
	// The kernel answers at once; the bound is for one that does not know the question.
	_ = unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	if unix.Sendto(socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}) != nil {
		return route{}, false
	}
	answer := make([]byte, 16<<10)
	n, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return route{}, false
	}
	messages, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil || len(messages) == 0 {
		return route{}, false
	}
	return parseRoute(messages[0])
}
