package ssh

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// errPassword is that of a password that was refused.
var errPassword = errors.New("permission denied, please try again")

// errMiddle is why a host whose key has changed is not told a password.
var errMiddle = errors.New("password authentication is disabled to avoid man-in-the-middle attacks")

// maxKeyFile is how large the file of a key may be.
const maxKeyFile = 1 << 20

// methods are the ways in which a user may prove who it is, in the order of OpenSSH.
func (d *Dialer) methods(s *settings, o Options, v *verifier) []ssh.AuthMethod {
	var list []ssh.AuthMethod
	if s.get("pubkeyauthentication", "yes") != "no" {
		list = append(list, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) { return d.signers(s, o), nil }))
	}
	if o.Password == "" {
		return list
	}
	// A password that was refused once is refused again, and some hosts lock accounts for that.
	asked := 0
	password := func() (string, error) {
		if v.changed {
			return "", errMiddle
		}
		if asked++; asked > 1 {
			return "", errPassword
		}
		return o.Password, nil
	}
	answer := func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range questions {
			if echos[i] {
				continue
			}
			var err error
			if answers[i], err = password(); err != nil {
				return nil, err
			}
		}
		return answers, nil
	}
	if s.get("kbdinteractiveauthentication", "yes") != "no" {
		list = append(list, ssh.KeyboardInteractive(answer))
	}
	if s.get("passwordauthentication", "yes") != "no" {
		list = append(list, ssh.PasswordCallback(password))
	}
	return list
}

// signers are the keys to try: those named for the host, those of the agent, and the usual files
// when none is named.
func (d *Dialer) signers(s *settings, o Options) []ssh.Signer {
	var named, found []ssh.Signer
	if o.Key != "" {
		if signer, err := parseKey([]byte(o.Key), o.Passphrase); err == nil {
			named = append(named, signer)
		} else {
			d.warn(fmt.Sprintf("the private key of %s cannot be used: %v", o.Host, err))
		}
	}
	held := d.agentSigners(s)
	files, explicit := s.values["identityfile"], true
	if len(files) == 0 {
		files, explicit = []string{"~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"}, false
	}
	for _, file := range files {
		if file == "none" {
			continue
		}
		found = append(found, d.identity(s.path(file), s, o, held, explicit)...)
	}
	if explicit {
		named = append(named, found...)
		found = nil
	}
	if !s.is("identitiesonly") {
		named = append(named, held...)
	}
	named = append(named, found...)
	seen := map[string]bool{}
	return slices.DeleteFunc(named, func(k ssh.Signer) bool {
		id := string(k.PublicKey().Marshal())
		again := seen[id]
		seen[id] = true
		return again
	})
}

// identity gives the key of a file, before it its certificate. When the file cannot be opened
// without a passphrase, the agent may hold the key.
func (d *Dialer) identity(file string, s *settings, o Options, held []ssh.Signer, explicit bool) []ssh.Signer {
	signer, err := d.key(file, o.Passphrase)
	if err != nil {
		if public, e := os.ReadFile(file + ".pub"); e == nil {
			if want, _, _, _, e := ssh.ParseAuthorizedKey(public); e == nil {
				for _, k := range held {
					if string(k.PublicKey().Marshal()) == string(want.Marshal()) {
						return []ssh.Signer{k}
					}
				}
			}
		}
		if explicit {
			d.warn(fmt.Sprintf("identity file %s cannot be used: %v", file, err))
		}
		return nil
	}
	var list []ssh.Signer
	for _, path := range append([]string{file + "-cert.pub"}, s.values["certificatefile"]...) {
		text, err := os.ReadFile(s.path(path))
		if err != nil {
			continue
		}
		public, _, _, _, err := ssh.ParseAuthorizedKey(text)
		if err != nil {
			continue
		}
		if certificate, ok := public.(*ssh.Certificate); ok {
			if c, err := ssh.NewCertSigner(certificate, signer); err == nil {
				list = append(list, c)
			}
		}
	}
	return append(list, signer)
}

// key reads a private key once for the whole run: opening one that has a passphrase takes long.
func (d *Dialer) key(file, passphrase string) (ssh.Signer, error) {
	id := file + "\x00" + passphrase
	d.mu.Lock()
	defer d.mu.Unlock()
	if k, ok := d.keys[id]; ok {
		return k.signer, k.err
	}
	var k loadedKey
	text, err := readKeyFile(file)
	if err == nil {
		k.signer, err = parseKey(text, passphrase)
	}
	k.err = err
	if d.keys == nil {
		d.keys = map[string]loadedKey{}
	}
	d.keys[id] = k
	return k.signer, k.err
}

type loadedKey struct {
	signer ssh.Signer
	err    error
}

func readKeyFile(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("it has %d bytes, which is no key", info.Size())
	}
	if info.Mode().Perm()&0o077 != 0 && info.Mode().IsRegular() {
		return nil, fmt.Errorf("permissions %#o for '%s' are too open: it must not be accessible by others", info.Mode().Perm(), filepath.Base(file))
	}
	return os.ReadFile(file)
}

func parseKey(text []byte, passphrase string) (ssh.Signer, error) {
	signer, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if !errors.As(err, &locked) {
		return signer, err
	}
	if passphrase == "" {
		return nil, errors.New("it has a passphrase, and none is given: load the key into an agent, or set ansible_ssh_private_key_passphrase")
	}
	signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase))
	if err != nil {
		return nil, fmt.Errorf("incorrect passphrase: %w", err)
	}
	return signer, nil
}

// agentSigners are the keys that the user's agent holds; none when there is no agent.
func (d *Dialer) agentSigners(s *settings) []ssh.Signer {
	socket := s.get("identityagent", "SSH_AUTH_SOCK")
	switch {
	case socket == "none":
		return nil
	case socket == "SSH_AUTH_SOCK":
		socket = os.Getenv("SSH_AUTH_SOCK")
	case strings.HasPrefix(socket, "$"):
		socket = os.Getenv(strings.Trim(socket, "${}"))
	default:
		socket = s.path(socket)
	}
	if socket == "" {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	held, ok := d.agents[socket]
	if !ok {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			held = agent.NewClient(connection)
			d.closers = append(d.closers, connection)
		}
		if d.agents == nil {
			d.agents = map[string]agent.ExtendedAgent{}
		}
		d.agents[socket] = held
	}
	if held == nil {
		return nil
	}
	signers, err := held.Signers()
	if err != nil {
		return nil
	}
	return signers
}
