package facts

import (
	"net/netip"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Two well-known addresses whose routes tell which interface leads to the world.
const (
	somewhere4 = "8.8.8.8"
	somewhere6 = "2404:6800:400a:800::1012"
)

// network collects the interfaces, their addresses, and which of them leads out.
func (h *host) network() facts {
	n := &interfaces{host: h, byIndex: map[int]string{}, found: map[string]map[string]any{}, all4: []any{}, all6: []any{}}
	names := h.list("/sys/class/net")
	for _, name := range names {
		if index, ok := number(h.text("/sys/class/net/" + name + "/ifindex")); ok {
			n.byIndex[index] = name
		}
	}
	n.default4, n.default6 = n.way(somewhere4), n.way(somewhere6)
	details := n.details(names)
	known := addresses()
	for _, name := range names {
		if h.isFolder("/sys/class/net/" + name) {
			n.add(name, known)
			for k, v := range details[name] {
				n.found[name][k] = v
			}
		}
	}
	list := []any{}
	found := facts{}
	for _, name := range n.order {
		key := strings.ReplaceAll(name, ":", "_")
		list = append(list, key)
		found[key] = n.found[name]
	}
	found["interfaces"] = list
	found["default_ipv4"], found["default_ipv6"] = n.default4, n.default6
	found["all_ipv4_addresses"], found["all_ipv6_addresses"] = n.all4, n.all6
	found["locally_reachable_ips"] = map[string]any{"ipv4": reachable(unix.AF_INET), "ipv6": reachable(unix.AF_INET6)}
	return found
}

// interfaces are those of a host while their facts are put together.
type interfaces struct {
	host               *host
	byIndex            map[int]string
	order              []string
	found              map[string]map[string]any
	all4, all6         []any
	default4, default6 map[string]any
	// hardware is the address of the interface that is looked at.
	hardware string
}

// way tells by which interface, own address and gateway an address is reached.
func (n *interfaces) way(target string) map[string]any {
	found := map[string]any{}
	r, ok := routeTo(netip.MustParseAddr(target))
	if !ok || !r.unicast {
		return found
	}
	if name := n.byIndex[r.index]; name != "" {
		found["interface"] = name
	}
	if r.source.IsValid() {
		found["address"] = r.source.String()
	}
	if r.gateway.IsValid() {
		found["gateway"] = r.gateway.String()
	}
	return found
}

func reachable(family int) []any {
	list := []any{}
	seen := map[string]bool{}
	for _, r := range localRoutes(family) {
		text := r.destination.String()
		if r.destination.IsSingleIP() {
			text = r.destination.Addr().String()
		}
		if !seen[text] {
			seen[text] = true
			list = append(list, text)
		}
	}
	return list
}

// at gives the facts of an interface, or of a label of one such as "eth0:1".
func (n *interfaces) at(name string) map[string]any {
	if n.found[name] == nil {
		n.found[name] = map[string]any{}
		n.order = append(n.order, name)
	}
	return n.found[name]
}

func (n *interfaces) add(name string, known []address) {
	i := n.at(name)
	i["device"] = name
	n.hardware = n.host.sysfs(name, i)
	// An interface's secondary addresses come after all the others.
	for _, secondary := range []bool{false, true} {
		for _, a := range known {
			if n.byIndex[a.index] != name || a.secondary != secondary {
				continue
			}
			if a.own.Is4() {
				n.address4(name, a)
			} else {
				n.address6(name, a)
			}
		}
	}
}

// sysfs fills in what sysfs tells about an interface, and gives its hardware address.
func (h *host) sysfs(name string, i map[string]any) string {
	dir := "/sys/class/net/" + name
	has := func(file string) bool { return h.exists(dir + "/" + file) }
	text := func(file string) string { return h.text(dir + "/" + file) }
	hardware := text("address")
	if hardware != "" && hardware != "00:00:00:00:00:00" {
		i["macaddress"] = hardware
	}
	if mtu, ok := number(text("mtu")); ok {
		i["mtu"] = mtu
	}
	if has("operstate") {
		i["active"] = text("operstate") != "down"
	}
	if has("device/driver/module") {
		target, _ := filepath.EvalSymlinks(h.path(dir + "/device/driver/module"))
		i["module"] = path.Base(target)
	}
	if has("type") {
		i["type"] = "unknown"
		if kind := map[string]string{"1": "ether", "32": "infiniband", "512": "ppp", "772": "loopback", "65534": "tunnel"}[text("type")]; kind != "" {
			i["type"] = kind
		}
	}
	h.bridge(dir, i)
	if has("bonding") && h.bonding(dir, i) {
		return hardware
	}
	if has("bonding_slave") {
		i["perm_macaddress"] = text("bonding_slave/perm_hwaddr")
	}
	if has("device") {
		i["pciid"] = path.Base(h.link(dir + "/device"))
	}
	if speed, ok := number(text("speed")); ok {
		i["speed"] = speed
	}
	if flags, err := strconv.ParseUint(strings.TrimPrefix(text("flags"), "0x"), 16, 64); err == nil {
		i["promisc"] = flags&unix.IFF_PROMISC != 0
	}
	return hardware
}

func (h *host) bridge(dir string, i map[string]any) {
	if !h.exists(dir + "/bridge") {
		return
	}
	i["type"] = "bridge"
	ports := []any{}
	for _, p := range h.list(dir + "/brif") {
		ports = append(ports, p)
	}
	i["interfaces"] = ports
	if h.exists(dir + "/bridge/bridge_id") {
		i["id"] = h.text(dir + "/bridge/bridge_id")
	}
	if h.exists(dir + "/bridge/stp_state") {
		i["stp"] = h.text(dir+"/bridge/stp_state") == "1"
	}
}

// bonding tells about a bond. When it has a primary, Ansible says nothing further about the
// interface, so true is given.
func (h *host) bonding(dir string, i map[string]any) bool {
	first := func(file string) string {
		word, _, _ := strings.Cut(h.text(dir+"/bonding/"+file), " ")
		return word
	}
	i["type"] = "bonding"
	slaves := []any{}
	for _, s := range strings.Fields(h.text(dir + "/bonding/slaves")) {
		slaves = append(slaves, s)
	}
	i["slaves"] = slaves
	i["mode"], i["miimon"], i["lacp_rate"] = first("mode"), first("miimon"), first("lacp_rate")
	primary := h.text(dir + "/bonding/primary")
	if primary == "" {
		return false
	}
	i["primary"] = primary
	if h.exists(dir + "/bonding/all_slaves_active") {
		i["all_slaves_active"] = h.text(dir+"/bonding/all_slaves_active") == "1"
	}
	return true
}

func (n *interfaces) address4(device string, a address) {
	broadcast, prefix := "", a.prefix
	if a.peer.IsValid() {
		prefix = 32
	} else if a.broadcast.IsValid() {
		broadcast = a.broadcast.String()
	}
	network := netip.PrefixFrom(a.own, prefix).Masked()
	mask := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	mask = netip.PrefixFrom(mask, prefix).Masked().Addr()
	entry := map[string]any{"address": a.own.String(), "broadcast": broadcast, "netmask": mask.String(),
		"network": network.Addr().String(), "prefix": strconv.Itoa(prefix)}
	label := a.label
	if label == "" {
		label = device
	}
	if label != device {
		n.at(label)
		n.found[label] = map[string]any{}
	}
	i := n.at(label)
	if !a.secondary && i["ipv4"] == nil {
		i["ipv4"] = entry
	} else {
		appendTo(i, "ipv4_secondaries", entry)
	}
	if a.secondary && label != device {
		appendTo(n.found[device], "ipv4_secondaries", entry)
	}
	if n.default4["address"] == a.own.String() {
		for _, k := range []string{"broadcast", "netmask", "network", "prefix"} {
			n.default4[k] = entry[k]
		}
		n.default4["alias"] = label
		n.isDefault(n.default4, device)
	}
	if !a.own.IsLoopback() {
		n.all4 = append(n.all4, a.own.String())
	}
}

func (n *interfaces) address6(device string, a address) {
	prefix := strconv.Itoa(a.prefix)
	text := a.own.String()
	appendTo(n.found[device], "ipv6", map[string]any{"address": text, "prefix": prefix, "scope": a.scope})
	if n.default6["address"] == text {
		n.default6["prefix"], n.default6["scope"] = prefix, a.scope
		n.isDefault(n.default6, device)
	}
	if !a.own.IsLoopback() {
		n.all6 = append(n.all6, text)
	}
}

func (n *interfaces) isDefault(d map[string]any, device string) {
	i := n.found[device]
	d["macaddress"], d["mtu"], d["type"] = n.hardware, i["mtu"], "unknown"
	if i["type"] != nil {
		d["type"] = i["type"]
	}
}

func appendTo(m map[string]any, key string, value any) {
	list, _ := m[key].([]any)
	m[key] = append(list, value)
}

// details asks ethtool, where it is installed, what the interfaces can do. Its names for
// features are its own, so the kernel's would not do.
func (n *interfaces) details(names []string) map[string]map[string]any {
	program := n.host.program("ethtool")
	found := map[string]map[string]any{}
	if program == "" {
		return found
	}
	var lock sync.Mutex
	var wait sync.WaitGroup
	for _, name := range names {
		wait.Go(func() {
			data := n.host.ethtool(program, name)
			lock.Lock()
			defer lock.Unlock()
			found[name] = data
		})
	}
	wait.Wait()
	return found
}

func (h *host) ethtool(program, name string) map[string]any {
	data := map[string]any{}
	if out, ok := h.run(program, "-k", name); ok {
		features := map[string]any{}
		for _, line := range lines(strings.TrimSpace(out)) {
			if key, value, ok := strings.Cut(line, ": "); ok && value != "" && !strings.HasSuffix(line, ":") {
				features[strings.ReplaceAll(strings.TrimSpace(key), "-", "_")] = strings.TrimSpace(value)
			}
		}
		data["features"] = features
	}
	if out, ok := h.run(program, "-T", name); ok {
		all := func(pattern string) []any {
			list := []any{}
			for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(out, -1) {
				list = append(list, strings.ToLower(m[1]))
			}
			return list
		}
		data["timestamping"] = all(`SOF_TIMESTAMPING_(\w+)`)
		data["hw_timestamp_filters"] = all(`HWTSTAMP_FILTER_(\w+)`)
		if m := regexp.MustCompile(`PTP Hardware Clock: (\d+)`).FindStringSubmatch(out); m != nil {
			data["phc_index"], _ = number(m[1])
		}
	}
	return data
}
