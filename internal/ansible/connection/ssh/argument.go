package ssh

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/shlex"
)

// systemConfig is read after the user's own configuration.
const systemConfig = "/etc/ssh/ssh_config"

// followed are the options with a meaning here.
func followed() []string {
	return []string{"hostname", "port", "user", "identityfile", "certificatefile", "identitiesonly", "identityagent", "proxyjump",
		"proxycommand", "userknownhostsfile", "globalknownhostsfile", "stricthostkeychecking", "hostkeyalias", "hostkeyalgorithms",
		"kexalgorithms", "ciphers", "macs", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "addressfamily",
		"bindaddress", "preferredauthentications", "pubkeyauthentication", "passwordauthentication", "kbdinteractiveauthentication"}
}

// meaningless are the options that may well be given and change nothing here: there is one
// connection for the whole run, and it carries nothing but tasks.
func meaningless() []string {
	return []string{"controlmaster", "controlpath", "controlpersist", "compression", "compressionlevel", "loglevel", "requesttty",
		"batchmode", "addkeystoagent", "tcpkeepalive", "challengeresponseauthentication", "numberofpasswordprompts",
		"updatehostkeys", "checkhostip", "visualhostkey", "clearallforwardings", "exitonforwardfailure", "forwardx11",
		"gssapiauthentication", "hashknownhosts", "connectionattempts", "escapechar", "verifyhostkeydns", "ipqos"}
}

// arguments puts what ssh's command line says into settings; what it says of no host in
// particular (-F) it gives back. warn is told what is not followed.
func (s *settings) arguments(given []string, warn func(string)) (file string, err error) {
	words, err := argumentWords(given)
	if err != nil {
		return "", err
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if len(word) < 2 || word[0] != '-' {
			return "", fmt.Errorf("ssh arguments: %q is no option: only options can be given here", word)
		}
		flag, value := word[1], word[2:]
		if !strings.ContainsRune("oFiJplWbcmDLREeIOQSwB", rune(flag)) {
			// Flags may be written together: -Cv.
			if !strings.ContainsRune("C46vqaAnNTtxXYyfgGKkMs", rune(flag)) {
				return "", fmt.Errorf("ssh arguments: unknown option -- %c", flag)
			}
			s.flag(flag, warn)
			if value != "" {
				words = append([]string{"-" + value}, words...)
			}
			continue
		}
		if value == "" {
			if len(words) == 0 {
				return "", fmt.Errorf("ssh arguments: option requires an argument -- %c", flag)
			}
			value, words = words[0], words[1:]
		}
		if flag == 'F' {
			file = value
		} else if err := s.option(flag, value, warn); err != nil {
			return "", err
		}
	}
	return file, nil
}

// argumentWords splits what was given as one text; single words stay as they are.
func argumentWords(given []string) ([]string, error) {
	var words []string
	for _, g := range given {
		if !strings.HasPrefix(strings.TrimSpace(g), "-") || !strings.ContainsAny(g, " \t\n") {
			words = append(words, g)
			continue
		}
		split, err := shlex.Split(g)
		if err != nil {
			return nil, fmt.Errorf("ssh arguments %q: %w", g, err)
		}
		words = append(words, split...)
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" }), nil
}

func (s *settings) flag(flag byte, warn func(string)) {
	switch flag {
	case '4':
		s.set("addressfamily", []string{"inet"})
	case '6':
		s.set("addressfamily", []string{"inet6"})
	case 'A', 'X', 'Y':
		warn(fmt.Sprintf("the ssh argument -%c is not followed: nothing is forwarded", flag))
	}
}

func (s *settings) option(flag byte, value string, warn func(string)) error {
	switch flag {
	case 'i':
		s.set("identityfile", []string{value})
	case 'J':
		s.set("proxyjump", []string{value})
	case 'p':
		s.set("port", []string{value})
	case 'l':
		s.set("user", []string{value})
	case 'b':
		s.set("bindaddress", []string{value})
	case 'c':
		s.set("ciphers", []string{value})
	case 'm':
		s.set("macs", []string{value})
	case 'S', 'E', 'e', 'O', 'Q':
	case 'o':
		words, err := splitLine(value)
		if err != nil || len(words) < 2 {
			return fmt.Errorf("ssh arguments: -o %s is not keyword=value", value)
		}
		keyword := strings.ToLower(words[0])
		if !slices.Contains(followed(), keyword) && !slices.Contains(meaningless(), keyword) && !strings.HasPrefix(keyword, "gssapi") {
			warn(fmt.Sprintf("the ssh option %s is not followed", words[0]))
		}
		s.set(keyword, words[1:])
	default:
		warn(fmt.Sprintf("the ssh argument -%c %s is not followed", flag, value))
	}
	return nil
}

// resolve gathers all that is said of a host: by the inventory, on the command line, in the
// user's configuration and in the system's.
func (d *Dialer) resolve(ctx context.Context, o Options) (*settings, error) {
	s := newSettings(o.Host, d.Home)
	if !o.CheckHostKey {
		s.set("stricthostkeychecking", []string{"no"})
	}
	if o.Port != 0 {
		s.set("port", []string{strconv.Itoa(o.Port)})
	}
	if o.KeyFile != "" {
		s.set("identityfile", []string{o.KeyFile})
	}
	if o.User != "" {
		s.set("user", []string{o.User})
	}
	file, err := s.arguments(o.Arguments, d.warn)
	if err != nil {
		return nil, err
	}
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	s.set("connecttimeout", []string{strconv.Itoa(timeout)})
	switch {
	case file == "none":
		return s, nil
	case file != "":
		return s, s.readFile(ctx, configFile{path: s.path(file), user: true}, true)
	}
	if err := s.readFile(ctx, configFile{path: filepath.Join(s.home, ".ssh", "config"), user: true}, false); err != nil {
		return nil, err
	}
	return s, s.readFile(ctx, configFile{path: systemConfig}, false)
}
