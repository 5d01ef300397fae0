package ansible

import (
	"tutti/internal/ansible/config"
	"tutti/internal/ansible/play"
)

// settings are the defaults of options, from the environment and ansible.cfg.
type settings struct {
	config.Settings
	// file is the ansible.cfg that was read; "" for none.
	file string
}

// settings reads the configuration.
func (p *Program) settings() (settings, error) {
	c, diags := config.Load(config.Here())
	if err := p.diagnostics(diags); err != nil {
		return settings{}, err
	}
	return settings{Settings: c.Settings(), file: c.File}, nil
}

// play are the settings that the play itself decides by.
func (s settings) play() play.Settings {
	l, f, r := s.Language, s.Facts, s.Run
	return play.Settings{
		RolesPath: s.Paths.Roles, CollectionsPath: s.Paths.Collections, ConfigFile: s.file,
		Gathering: f.Gathering, HashMerge: f.MergeHashes, InjectFacts: f.InjectAsVars, Duplicates: f.DuplicateKey,
		AnyErrorsFatal: r.AnyErrorsFatal, ErrorOnMissingHandler: r.MissingHandlerFails, Strategy: r.Strategy,
		PollInterval: r.PollInterval, TaskTimeout: r.TaskTimeout,
		BrokenConditionals: l.AllowBrokenConditionals, UnknownAttributes: !l.InvalidAttributeFails, Extensions: l.JinjaExtensions,
		AnsibleManaged: l.ManagedText, NoLog: s.Output.NoLog, BecomeMethod: s.Become.Method,
		PluginFolders: map[string][]string{"filter": s.Paths.Filters, "test": s.Paths.Tests, "lookup": s.Paths.Lookups},
		Library:       s.Paths.Modules, ModuleUtils: s.Paths.ModuleUtils,
	}
}

// columns is how wide banners are: as the environment says, or the terminal.
func (p *Program) columns() int {
	if p.Width > 0 {
		return max(1, p.Width-1) // a banner has one blank beside its stars
	}
	return 0
}

// configured says which configuration counts, for people who want to know more.
func (s settings) configured() string {
	if s.file == "" {
		return "No config file found; using defaults"
	}
	return "Using " + s.file + " as config file"
}
