// Package become makes the command lines with which a user becomes another, and reads what sudo,
// su, doas and runuser say before they let one in.
//
// In: how to become whom, and the line to run then. Out: a Command, whose Next tells from what
// was printed so far what is to be done. The package is pure; it must not know how lines are run.
package become

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/shlex"

	"tutti/internal/ansible/connection/shell"
)

// Method is one way of becoming somebody.
type Method string

// The methods that are known.
const (
	Sudo    Method = "sudo"
	Su      Method = "su"
	Doas    Method = "doas"
	Runuser Method = "runuser"
)

// Options are whom to become, and how.
type Options struct {
	Method   Method
	User     string // "" is root
	Password string
	Exe      string // "" is the method's name
	Flags    string // "" is the method's own
}

// Command is a line that becomes somebody and then runs another.
type Command struct {
	Line string
	// Terminal tells that the program reads the password from a terminal only.
	Terminal bool

	options Options
	success string
	prompt  *regexp.Regexp
}

// suPrompt finds the prompt of su in the languages that it is translated to.
const suPrompt = `(?i)(Password|암호|パスワード|Adgangskode|Contraseña|Contrasenya|Hasło|Heslo|Jelszó|Lösenord|Mật khẩu|Mot de passe|Parola|Parool|Pasahitza|Passord|Passwort|Salasana|Sandi|Senha|Wachtwoord|ססמה|Лозинка|Парола|Пароль|गुप्तशब्द|शब्दकूट|సంకేతపదము|හස්පදය|密码|密碼|口令)\s*[:：]`

// Build makes the command. line is run by /bin/sh as the other user; id makes what is printed on
// the way unmistakable.
func Build(o Options, id, line string) (*Command, error) {
	c := &Command{options: o, success: "BECOME-SUCCESS-" + id}
	if o.User == "" {
		o.User = "root"
	}
	if o.Exe == "" {
		o.Exe = string(o.Method)
	}
	inner := "/bin/sh -c " + shell.Quote("echo "+c.success+" ; "+line)
	user := shell.Quote(o.User)
	switch o.Method {
	case Sudo:
		flags := o.Flags
		if flags == "" {
			flags = "-H -S -n"
		}
		prompt := ""
		if o.Password != "" {
			text := fmt.Sprintf("[sudo via ansible, key=%s] password:", id)
			c.prompt = regexp.MustCompile(`(?m)^\s*` + regexp.QuoteMeta(text))
			prompt = ` -p "` + text + `"`
			flags = interactive(flags)
		}
		c.Line = fmt.Sprintf("%s %s%s -u %s %s", o.Exe, flags, prompt, user, inner)
	case Su:
		c.prompt = regexp.MustCompile(suPrompt)
		c.Terminal = o.Password != ""
		c.Line = fmt.Sprintf("%s %s %s -c %s", o.Exe, o.Flags, user, shell.Quote(inner))
	case Runuser:
		c.Line = fmt.Sprintf("%s %s %s -c %s", o.Exe, o.Flags, user, shell.Quote(inner))
	case Doas:
		flags := o.Flags
		if o.Password == "" {
			flags = strings.TrimSpace(flags + " -n")
		} else {
			c.prompt = regexp.MustCompile(`(?i)(doas \([^)]*\) )?password:`)
			c.Terminal = true
		}
		c.Line = fmt.Sprintf("%s %s -u %s %s", o.Exe, flags, user, inner)
	default:
		return nil, fmt.Errorf("become method %q is not one of sudo, su, doas, runuser", o.Method)
	}
	return c, nil
}

// interactive takes -n out of sudo's flags: there is a password to be asked for.
func interactive(flags string) string {
	words, err := shlex.Split(flags)
	if err != nil {
		return flags
	}
	var kept []string
	for _, w := range words {
		switch {
		case w == "-n" || w == "--non-interactive":
			continue
		case strings.HasPrefix(w, "-") && !strings.HasPrefix(w, "--"):
			w = strings.Replace(w, "n", "", 1)
		}
		kept = append(kept, shell.Quote(w))
	}
	return strings.Join(kept, " ")
}

// Step is what to do next.
type Step int

// The steps. Wait: read on. Send: the password is asked for. Done: the line runs. Incorrect,
// Missing: the password was refused, or there is none.
const (
	Wait Step = iota
	Send
	Done
	Incorrect
	Missing
)

// Next tells what to do after the two streams have said this much; sent tells that the password
// went out already. What stdout says after Done is the line's; rest is that.
func (c *Command) Next(stdout, stderr string, sent bool) (step Step, rest string) {
	if i := strings.Index(stdout, c.success); i >= 0 {
		if end := strings.IndexByte(stdout[i:], '\n'); end >= 0 {
			return Done, stdout[i+end+1:]
		}
		return Wait, ""
	}
	said := stdout + "\n" + stderr
	for _, refusal := range c.refusals() {
		if strings.Contains(said, refusal) {
			return Incorrect, ""
		}
	}
	for _, lack := range []string{"Sorry, a password is required to run sudo", "sudo: a password is required", "doas: Authentication required", "doas: Authorization required"} {
		if strings.Contains(said, lack) {
			return Missing, ""
		}
	}
	if c.prompt == nil {
		return Wait, ""
	}
	switch asked := len(c.prompt.FindAllStringIndex(said, 2)); {
	case asked == 0:
		return Wait, ""
	case c.options.Password == "":
		return Missing, ""
	case !sent:
		return Send, ""
	case asked > 1:
		return Incorrect, ""
	}
	return Wait, ""
}

func (c *Command) refusals() []string {
	switch c.options.Method {
	case Sudo:
		return []string{"Sorry, try again."}
	case Su:
		return []string{"Authentication failure", "Authentication token manipulation error", "su: Permission denied", "incorrect password"}
	case Doas:
		return []string{"doas: Permission denied", "doas: Authorization failed", "doas: Authentication failed"}
	}
	return nil
}

// Strip takes the prompt out of what was said.
func (c *Command) Strip(said string) string {
	if c.prompt == nil {
		return said
	}
	return c.prompt.ReplaceAllString(said, "")
}

// NeedsTerminal tells from what sudo said that it wants a terminal.
func NeedsTerminal(said string) bool {
	return strings.Contains(said, "you must have a tty") || strings.Contains(said, "a terminal is required")
}
