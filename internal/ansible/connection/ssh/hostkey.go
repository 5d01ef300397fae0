package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// failedVerification ends what OpenSSH says of every key that it does not accept.
const failedVerification = "Host key verification failed."

// knownHosts is what a set of files knows, read once for a run.
type knownHosts struct {
	check ssh.HostKeyCallback
	// authorities tells that some line names an authority, so that certificates are of use.
	authorities bool
}

// verifier checks the key of one host.
type verifier struct {
	dialer *Dialer
	known  *knownHosts
	// address is what the host is known as, with its port.
	address string
	strict  string // yes, no, ask, accept-new
	file    string // where new keys are written; "" is nowhere
	changed bool   // the key is another than the one that is known, and the user wants to go on
}

func (d *Dialer) verifier(s *settings) (*verifier, error) {
	var files []string
	users := s.values["userknownhostsfile"]
	if len(users) == 0 {
		users = []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}
	}
	global := s.values["globalknownhostsfile"]
	if len(global) == 0 {
		global = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	v := &verifier{dialer: d, strict: strings.ToLower(s.get("stricthostkeychecking", "ask"))}
	if v.strict == "off" || v.strict == "false" {
		v.strict = "no"
	}
	for i, f := range slices.Concat(users, global) {
		path := s.path(f)
		if f == "none" || path == os.DevNull {
			continue
		}
		if i == 0 {
			v.file = path
		}
		files = append(files, path)
	}
	v.address = net.JoinHostPort(s.hostName(), s.get("port", "22"))
	if alias := s.get("hostkeyalias", ""); alias != "" {
		v.address = net.JoinHostPort(s.expand(alias), "22")
	}
	var err error
	v.known, err = d.knownHosts(files)
	return v, err
}

// knownHosts reads files of known hosts. Lines that cannot be read do not count, as in OpenSSH.
func (d *Dialer) knownHosts(files []string) (*knownHosts, error) {
	id := strings.Join(files, "\x00")
	d.mu.Lock()
	defer d.mu.Unlock()
	if k, ok := d.known[id]; ok {
		return k, nil
	}
	var there []string
	k := &knownHosts{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		there = append(there, f)
		k.authorities = k.authorities || bytes.Contains(text, []byte("@cert-authority"))
	}
	var err error
	if k.check, err = knownhosts.New(there...); err != nil {
		if k.check, err = readable(there); err != nil {
			return nil, fmt.Errorf("known_hosts: %w", err)
		}
	}
	if d.known == nil {
		d.known = map[string]*knownHosts{}
	}
	d.known[id] = k
	return k, nil
}

// readable reads the lines that can be read.
func readable(files []string) (ssh.HostKeyCallback, error) {
	var good bytes.Buffer
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			if _, _, _, _, _, err := ssh.ParseKnownHosts(line); err == nil {
				good.Write(bytes.TrimSpace(line))
				good.WriteByte('\n')
			}
		}
	}
	temp, err := os.CreateTemp("", "tutti-known-hosts-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(temp.Name())
	defer temp.Close()
	if _, err := temp.Write(good.Bytes()); err != nil {
		return nil, err
	}
	return knownhosts.New(temp.Name())
}

// keys are those that the host is known by; nil when it is not known.
func (v *verifier) keys() []ssh.PublicKey {
	v.dialer.mu.Lock()
	accepted := v.dialer.accepted[v.address]
	v.dialer.mu.Unlock()
	if accepted != nil {
		return []ssh.PublicKey{accepted}
	}
	var wrong *knownhosts.KeyError
	if !errors.As(v.known.check(v.address, &net.TCPAddr{}, nobodysKey{}), &wrong) {
		return nil
	}
	var keys []ssh.PublicKey
	for _, w := range wrong.Want {
		keys = append(keys, w.Key)
	}
	return keys
}

// nobodysKey is a key that no host has: what is wrong with it is which keys a host has.
type nobodysKey struct{}

func (nobodysKey) Type() string                        { return "none" }
func (nobodysKey) Marshal() []byte                     { return []byte("none") }
func (nobodysKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// algorithms puts those of keys that are known first: a host that has several keys must show one
// that can be checked.
func (v *verifier) algorithms(s *settings) []string {
	if list := s.get("hostkeyalgorithms", ""); list != "" && !strings.ContainsAny(list[:1], "+-^") {
		return strings.Split(list, ",")
	}
	var list, rest []string
	for _, k := range v.keys() {
		switch t := k.Type(); t {
		case ssh.KeyAlgoRSA:
			list = append(list, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			list = append(list, t)
		}
	}
	for _, a := range ssh.SupportedAlgorithms().HostKeys {
		certificate := strings.Contains(a, "-cert-")
		switch {
		case slices.Contains(list, a) || certificate && !v.known.authorities:
		case certificate:
			list = append([]string{a}, list...)
		default:
			rest = append(rest, a)
		}
	}
	slices.SortStableFunc(rest, func(a, b string) int { return preference(a) - preference(b) })
	return append(list, rest...)
}

// preference is OpenSSH's order.
func preference(algorithm string) int {
	order := []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521}
	if i := slices.Index(order, algorithm); i >= 0 {
		return i
	}
	return len(order)
}

// check implements ssh.HostKeyCallback.
func (v *verifier) check(_ string, remote net.Addr, key ssh.PublicKey) error {
	v.dialer.mu.Lock()
	accepted := v.dialer.accepted[v.address]
	v.dialer.mu.Unlock()
	if accepted != nil && bytes.Equal(accepted.Marshal(), key.Marshal()) {
		return nil
	}
	if _, _, err := net.SplitHostPort(remote.String()); err != nil {
		remote = &net.TCPAddr{}
	}
	err := v.known.check(v.address, remote, key)
	var wrong *knownhosts.KeyError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return &refusal{fmt.Sprintf("%v\r\n%s", err, failedVerification)}
	case len(wrong.Want) > 0 && v.strict == "no":
		v.changed = true
		v.dialer.warn(changedKey(v.address, key, wrong.Want[0]))
		return nil
	case len(wrong.Want) > 0:
		return &refusal{changedKey(v.address, key, wrong.Want[0]) + "\r\n" + failedVerification}
	}
	return v.unknown(key)
}

func (v *verifier) unknown(key ssh.PublicKey) error {
	host := knownhosts.Normalize(v.address)
	switch v.strict {
	case "no", "accept-new":
	case "yes":
		return &refusal{fmt.Sprintf("No %s host key is known for %s and you have requested strict checking.\r\n%s", keyName(key), host, failedVerification)}
	default:
		question := fmt.Sprintf("The authenticity of host '%s' can't be established.\n%s key fingerprint is %s.\nAre you sure you want to continue connecting (yes/no)? ",
			host, keyName(key), ssh.FingerprintSHA256(key))
		if v.dialer.Ask == nil || !v.dialer.Ask(question) {
			return &refusal{failedVerification}
		}
	}
	return v.remember(key)
}

// remember adds a key to the user's file; when that cannot be written, the key is good for this
// run.
func (v *verifier) remember(key ssh.PublicKey) error {
	v.dialer.mu.Lock()
	defer v.dialer.mu.Unlock()
	if v.dialer.accepted == nil {
		v.dialer.accepted = map[string]ssh.PublicKey{}
	}
	v.dialer.accepted[v.address] = key
	if v.file == "" {
		return nil
	}
	_ = os.MkdirAll(filepath.Dir(v.file), 0o700)
	file, err := os.OpenFile(v.file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		v.dialer.warn(fmt.Sprintf("Failed to add the host to the list of known hosts (%s).", v.file))
		return nil
	}
	defer file.Close()
	if _, err := file.WriteString(knownhosts.Line([]string{v.address}, key) + "\n"); err != nil {
		v.dialer.warn(fmt.Sprintf("Failed to add the host to the list of known hosts (%s).", v.file))
	}
	return nil
}

// refusal is the error of a host that is not who it should be.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func keyName(key ssh.PublicKey) string {
	switch t := key.Type(); {
	case t == ssh.KeyAlgoED25519:
		return "ED25519"
	case strings.HasPrefix(t, "ecdsa"):
		return "ECDSA"
	case t == ssh.KeyAlgoRSA:
		return "RSA"
	default:
		return t
	}
}

func changedKey(address string, key ssh.PublicKey, known knownhosts.KnownKey) string {
	const line = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
	return strings.Join([]string{line, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", line,
		"IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!",
		"Someone could be eavesdropping on you right now (man-in-the-middle attack)!",
		"It is also possible that a host key has just been changed.",
		fmt.Sprintf("The fingerprint for the %s key sent by the remote host is\n%s.", keyName(key), ssh.FingerprintSHA256(key)),
		"Please contact your system administrator.",
		fmt.Sprintf("Offending %s key in %s:%d", keyName(known.Key), known.Filename, known.Line),
		fmt.Sprintf("Host key for %s has changed and you have requested strict checking.", knownhosts.Normalize(address))}, "\r\n")
}
