package world

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// template finds and reads files that are templates. Rendering them is the caller's business.
func (m *Machine) template(r Request) ([]any, error) {
	terms, err := texts(r.Terms, "startswith")
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(terms))
	for _, name := range terms {
		file := m.find(r, "templates", name)
		if file == "" {
			return nil, fmt.Errorf("the template file %s could not be found for the lookup", name)
		}
		text, err := m.read(file)
		if err != nil {
			return nil, err
		}
		out = append(out, value.NewDict(lookup.FilePath, file, lookup.FileText, text, lookup.FileVariables, m.describe(name, file)))
	}
	return out, nil
}

// describe gives the variables that a template knows of its own file.
func (m *Machine) describe(name, file string) *value.Dict {
	d := value.NewDict("template_path", name, "template_fullpath", file, "template_destpath", nil)
	if host, err := os.Hostname(); err == nil {
		d.Set("template_host", host)
	}
	now := time.Now()
	d.Set("template_run_date", naive(now))
	managed := m.Managed
	if managed == "" {
		managed = "Ansible managed"
	}
	d.Set("ansible_managed", managed)
	info, err := os.Stat(file)
	if err != nil {
		return d
	}
	d.Set("template_mtime", naive(info.ModTime()))
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		d.Set("template_uid", int64(s.Uid))
		if u, err := user.LookupId(strconv.Itoa(int(s.Uid))); err == nil {
			d.Set("template_uid", u.Username)
		}
	}
	return d
}

// naive is what the clock on the wall shows.
func naive(t time.Time) *value.Time {
	t = t.Local()
	return &value.Time{Naive: true, Time: time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)}
}
