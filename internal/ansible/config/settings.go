package config

import "strings"

// Settings are the settings that tutti uses, by their meaning. Those of paths are absolute.
type Settings struct {
	Run        Run
	Connection Connection
	Become     Become
	Inventory  Inventory
	Vault      Vault
	Facts      Facts
	Language   Language
	Output     Output
	Paths      Paths
	Diff       Diff
	// Colors are the names of colours by what they show, such as "changed" or "diff_add".
	Colors map[string]string
}

// Run is how plays are carried out.
type Run struct {
	Forks, Verbosity              int
	Strategy                      string
	PollInterval, TaskTimeout     int
	AnyErrorsFatal, ForceHandlers bool
	TagsRun, TagsSkip             []string
	RetryFiles                    bool
	RetryFilesPath                string
	// ModuleName and ModuleArgs are what ad hoc commands do without -m and -a.
	ModuleName, ModuleArgs string
	Callbacks              []string
	MissingHandlerFails    bool
}

// Connection is how hosts are reached.
type Connection struct {
	Transport, RemoteUser              string
	RemotePort                         int // 0 when it is not set
	Timeout, Retries                   int
	PrivateKeyFile, PasswordFile       string
	AskPass, HostKeyChecking           bool
	Pipelining                         bool
	SSHArgs, SSHCommonArgs             string
	SSHExtraArgs, SSHExecutable        string
	RemoteTemp, Executable, AsyncDir   string
	Interpreter                        string
	InterpreterFallback                []string
	KeepRemoteFiles, NoTargetSyslog    bool
	SFTPExtraArgs, SCPExtraArgs        string
	TransferMethod, PasswordMechanism  string
	SSHVerbosity                       int
	SystemTempDirs                     []string
	WorldReadableTemp, ModuleStrictUTF bool
}

// Become is how other users' rights are got.
type Become struct {
	Become, AskPass       bool
	Method, User          string
	Exe, Flags            string
	PasswordFile          string
	AgnosticPrompt        bool
	AllowSameUser         bool
	SudoExe, SudoFlags    string
	SudoChdir             string
	SuExe, SuFlags        string
	SudoUser, SuUser      string
	SuPrompts, AdminUsers []string
}

// Inventory is where hosts come from.
type Inventory struct {
	Sources                           []string
	Enabled                           []string
	IgnoreExtensions, IgnorePatterns  []string
	AnyUnparsedFails, UnparsedFails   bool
	UnparsedWarning, LocalhostWarning bool
	Export                            bool
	PatternMismatch                   string // error, warning or ignore
	TransformGroupNames               string // always, never, ignore or silently
	UseExtraVars                      bool
}

// Vault is where passwords of vaults come from.
type Vault struct {
	AskPass                   bool
	PasswordFile              string
	Identity, EncryptIdentity string
	Identities                []string
	IDMatch                   bool
	Salt, Editor              string
}

// Facts is how facts are gathered and kept.
type Facts struct {
	Gathering               string // implicit, explicit or smart
	Modules                 []string
	InjectAsVars            bool
	Cache, CacheConnection  string
	CachePrefix             string
	CacheTimeout            int
	VarsPluginsStage        string // demand or start
	PlaybookVarsRoot        string // top, bottom or all
	MergeHashes             bool
	Precedence              []string
	DuplicateKey            string // error, warn or ignore
	YAMLExtensions          []string
	PrivateRoleVars         bool
	VarsPluginsEnabledNames []string
}

// Language is how templates and conditionals are read.
type Language struct {
	ErrorOnUndefined        bool
	AllowBrokenConditionals bool
	AllowEmbeddedTemplates  bool
	JinjaExtensions         []string
	ManagedText             string
	InvalidAttributeFails   bool
}

// Output is what people are shown.
type Output struct {
	Callback                             string
	ResultFormat                         string
	Pretty                               *bool // nil when it is not set
	DisplaySkipped, DisplayOK            bool
	FailedToStderr, CustomStats          bool
	CheckModeMarkers, TaskPathOnFailure  bool
	PerHostStart, ArgsToStdout           bool
	NoCows, NoColor, ForceColor          bool
	LogPath                              string
	NoLog, VerboseToStderr               bool
	DeprecationWarnings, SystemWarnings  bool
	ActionWarnings                       bool
	Pager                                string
	JUnitDir, JUnitTaskClass             string
	JUnitFailOnChange, JUnitFailOnIgnore bool
	TreeDir                              string
}

// Paths are where roles, collections and plugins lie.
type Paths struct {
	Home, LocalTemp, PlaybookDir string
	Roles, Collections           []string
	Modules, ModuleUtils         []string
	Actions, Filters, Tests      []string
	Lookups, Vars, Inventories   []string
	Callbacks, Caches            []string
}

// Diff is what is shown of changes.
type Diff struct {
	Always           bool
	Context, MaxSize int
}

// Settings gives the settings by their meaning.
func (c *Config) Settings() Settings {
	return Settings{
		Run: c.run(), Connection: c.connection(), Become: c.become(), Inventory: c.inventory(), Vault: c.vault(),
		Facts: c.facts(), Language: c.language(), Output: c.output(), Paths: c.paths(), Colors: c.colors(),
		Diff: Diff{Always: c.Bool("DIFF_ALWAYS"), Context: c.Int("DIFF_CONTEXT"), MaxSize: c.Int("MAX_FILE_SIZE_FOR_DIFF")},
	}
}

func (c *Config) run() Run {
	return Run{
		Forks: c.Int("DEFAULT_FORKS"), Verbosity: c.Int("DEFAULT_VERBOSITY"), Strategy: c.Text("DEFAULT_STRATEGY"),
		PollInterval: c.Int("DEFAULT_POLL_INTERVAL"), TaskTimeout: c.Int("TASK_TIMEOUT"),
		AnyErrorsFatal: c.Bool("ANY_ERRORS_FATAL"), ForceHandlers: c.Bool("DEFAULT_FORCE_HANDLERS"),
		TagsRun: c.List("TAGS_RUN"), TagsSkip: c.List("TAGS_SKIP"),
		RetryFiles: c.Bool("RETRY_FILES_ENABLED"), RetryFilesPath: c.Text("RETRY_FILES_SAVE_PATH"),
		ModuleName: c.Text("DEFAULT_MODULE_NAME"), ModuleArgs: c.Text("DEFAULT_MODULE_ARGS"),
		Callbacks: c.List("CALLBACKS_ENABLED"), MissingHandlerFails: c.Bool("ERROR_ON_MISSING_HANDLER"),
	}
}

func (c *Config) connection() Connection {
	return Connection{
		Transport: c.Text("DEFAULT_TRANSPORT"), RemoteUser: c.Text("DEFAULT_REMOTE_USER"), RemotePort: c.Int("DEFAULT_REMOTE_PORT"),
		Timeout: c.Int("ssh.timeout"), Retries: c.Int("ssh.reconnection_retries"),
		PrivateKeyFile: c.Text("DEFAULT_PRIVATE_KEY_FILE"), PasswordFile: c.Text("CONNECTION_PASSWORD_FILE"),
		AskPass: c.Bool("DEFAULT_ASK_PASS"), HostKeyChecking: c.Bool("ssh.host_key_checking"), Pipelining: c.Bool("ssh.pipelining"),
		SSHArgs: c.Text("ssh.ssh_args"), SSHCommonArgs: c.Text("ssh.ssh_common_args"), SSHExtraArgs: c.Text("ssh.ssh_extra_args"),
		SSHExecutable: c.Text("ssh.ssh_executable"), RemoteTemp: c.Text("sh.remote_tmp"), Executable: c.Text("DEFAULT_EXECUTABLE"),
		AsyncDir: c.Text("sh.async_dir"), Interpreter: c.Text("INTERPRETER_PYTHON"), InterpreterFallback: c.List("INTERPRETER_PYTHON_FALLBACK"),
		KeepRemoteFiles: c.Bool("DEFAULT_KEEP_REMOTE_FILES"), NoTargetSyslog: c.Bool("DEFAULT_NO_TARGET_SYSLOG"),
		SFTPExtraArgs: c.Text("ssh.sftp_extra_args"), SCPExtraArgs: c.Text("ssh.scp_extra_args"),
		TransferMethod: c.Text("ssh.ssh_transfer_method"), PasswordMechanism: c.Text("ssh.password_mechanism"),
		SSHVerbosity: c.Int("ssh.verbosity"), SystemTempDirs: c.List("sh.system_tmpdirs"),
		WorldReadableTemp: c.Bool("sh.world_readable_temp"), ModuleStrictUTF: c.Bool("MODULE_STRICT_UTF8_RESPONSE"),
	}
}

func (c *Config) become() Become {
	return Become{
		Become: c.Bool("DEFAULT_BECOME"), AskPass: c.Bool("DEFAULT_BECOME_ASK_PASS"),
		Method: c.Text("DEFAULT_BECOME_METHOD"), User: c.Text("DEFAULT_BECOME_USER"),
		Exe: c.Text("DEFAULT_BECOME_EXE"), Flags: c.Text("DEFAULT_BECOME_FLAGS"), PasswordFile: c.Text("BECOME_PASSWORD_FILE"),
		AgnosticPrompt: c.Bool("AGNOSTIC_BECOME_PROMPT"), AllowSameUser: c.Bool("BECOME_ALLOW_SAME_USER"),
		SudoExe: c.Text("sudo.become_exe"), SudoFlags: c.Text("sudo.become_flags"), SudoChdir: c.Text("sudo.sudo_chdir"),
		SudoUser: c.Text("sudo.become_user"), SuUser: c.Text("su.become_user"),
		SuExe: c.Text("su.become_exe"), SuFlags: c.Text("su.become_flags"), SuPrompts: c.List("su.prompt_l10n"),
		AdminUsers: c.List("sh.admin_users"),
	}
}

func (c *Config) inventory() Inventory {
	return Inventory{
		Sources: c.List("DEFAULT_HOST_LIST"), Enabled: c.List("INVENTORY_ENABLED"),
		IgnoreExtensions: c.List("INVENTORY_IGNORE_EXTS"), IgnorePatterns: c.List("INVENTORY_IGNORE_PATTERNS"),
		AnyUnparsedFails: c.Bool("INVENTORY_ANY_UNPARSED_IS_FAILED"), UnparsedFails: c.Bool("INVENTORY_UNPARSED_IS_FAILED"),
		UnparsedWarning: c.Bool("INVENTORY_UNPARSED_WARNING"), LocalhostWarning: c.Bool("LOCALHOST_WARNING"),
		Export: c.Bool("INVENTORY_EXPORT"), PatternMismatch: c.Text("HOST_PATTERN_MISMATCH"),
		TransformGroupNames: c.Text("TRANSFORM_INVALID_GROUP_CHARS"), UseExtraVars: c.Bool("constructed.use_extra_vars"),
	}
}

func (c *Config) vault() Vault {
	return Vault{
		AskPass: c.Bool("DEFAULT_ASK_VAULT_PASS"), PasswordFile: c.Text("DEFAULT_VAULT_PASSWORD_FILE"),
		Identity: c.Text("DEFAULT_VAULT_IDENTITY"), EncryptIdentity: c.Text("DEFAULT_VAULT_ENCRYPT_IDENTITY"),
		Identities: c.List("DEFAULT_VAULT_IDENTITY_LIST"), IDMatch: c.Bool("DEFAULT_VAULT_ID_MATCH"),
		Salt: c.Text("VAULT_ENCRYPT_SALT"), Editor: c.Text("EDITOR"),
	}
}

func (c *Config) facts() Facts {
	return Facts{
		Gathering: c.Text("DEFAULT_GATHERING"), Modules: c.List("FACTS_MODULES"), InjectAsVars: c.Bool("INJECT_FACTS_AS_VARS"),
		Cache: c.Text("CACHE_PLUGIN"), CacheConnection: c.Text("CACHE_PLUGIN_CONNECTION"), CachePrefix: c.Text("CACHE_PLUGIN_PREFIX"),
		CacheTimeout: c.Int("CACHE_PLUGIN_TIMEOUT"), VarsPluginsStage: c.Text("RUN_VARS_PLUGINS"),
		PlaybookVarsRoot: c.Text("PLAYBOOK_VARS_ROOT"), MergeHashes: c.Text("DEFAULT_HASH_BEHAVIOUR") == "merge",
		Precedence: c.List("VARIABLE_PRECEDENCE"), DuplicateKey: c.Text("DUPLICATE_YAML_DICT_KEY"),
		YAMLExtensions: c.List("YAML_FILENAME_EXTENSIONS"), PrivateRoleVars: c.Bool("DEFAULT_PRIVATE_ROLE_VARS"),
		VarsPluginsEnabledNames: c.List("VARIABLE_PLUGINS_ENABLED"),
	}
}

func (c *Config) language() Language {
	return Language{
		ErrorOnUndefined: c.Bool("DEFAULT_UNDEFINED_VAR_BEHAVIOR"), AllowBrokenConditionals: c.Bool("ALLOW_BROKEN_CONDITIONALS"),
		AllowEmbeddedTemplates: c.Bool("ALLOW_EMBEDDED_TEMPLATES"), JinjaExtensions: c.List("DEFAULT_JINJA2_EXTENSIONS"),
		ManagedText: c.Text("DEFAULT_MANAGED_STR"), InvalidAttributeFails: c.Bool("INVALID_TASK_ATTRIBUTE_FAILED"),
	}
}

func (c *Config) output() Output {
	o := Output{
		Callback: c.Text("DEFAULT_STDOUT_CALLBACK"), ResultFormat: c.Text("default.result_format"),
		DisplaySkipped: c.Bool("default.display_skipped_hosts"), DisplayOK: c.Bool("default.display_ok_hosts"),
		FailedToStderr: c.Bool("default.display_failed_stderr"), CustomStats: c.Bool("default.show_custom_stats"),
		CheckModeMarkers: c.Bool("default.check_mode_markers"), TaskPathOnFailure: c.Bool("default.show_task_path_on_failure"),
		PerHostStart: c.Bool("default.show_per_host_start"), ArgsToStdout: c.Bool("DISPLAY_ARGS_TO_STDOUT"),
		NoCows: c.Bool("ANSIBLE_NOCOWS"), NoColor: c.Bool("ANSIBLE_NOCOLOR"), ForceColor: c.Bool("ANSIBLE_FORCE_COLOR"),
		LogPath: c.Text("DEFAULT_LOG_PATH"), NoLog: c.Bool("DEFAULT_NO_LOG"), VerboseToStderr: c.Bool("VERBOSE_TO_STDERR"),
		DeprecationWarnings: c.Bool("DEPRECATION_WARNINGS"), SystemWarnings: c.Bool("SYSTEM_WARNINGS"), ActionWarnings: c.Bool("ACTION_WARNINGS"),
		Pager: c.Text("PAGER"), JUnitDir: c.Text("junit.output_dir"), JUnitTaskClass: c.Text("junit.task_class"),
		JUnitFailOnChange: truth(c.Text("junit.fail_on_change")), JUnitFailOnIgnore: truth(c.Text("junit.fail_on_ignore")),
		TreeDir: c.Text("tree.directory"),
	}
	if pretty, ok := c.Get("default.pretty_results").Data.(bool); ok {
		o.Pretty = &pretty
	}
	return o
}

func (c *Config) paths() Paths {
	return Paths{
		Home: c.Text("ANSIBLE_HOME"), LocalTemp: c.Text("DEFAULT_LOCAL_TMP"), PlaybookDir: c.Text("PLAYBOOK_DIR"),
		Roles: c.List("DEFAULT_ROLES_PATH"), Collections: c.List("COLLECTIONS_PATHS"),
		Modules: c.List("DEFAULT_MODULE_PATH"), ModuleUtils: c.List("DEFAULT_MODULE_UTILS_PATH"),
		Actions: c.List("DEFAULT_ACTION_PLUGIN_PATH"), Filters: c.List("DEFAULT_FILTER_PLUGIN_PATH"), Tests: c.List("DEFAULT_TEST_PLUGIN_PATH"),
		Lookups: c.List("DEFAULT_LOOKUP_PLUGIN_PATH"), Vars: c.List("DEFAULT_VARS_PLUGIN_PATH"), Inventories: c.List("DEFAULT_INVENTORY_PLUGIN_PATH"),
		Callbacks: c.List("DEFAULT_CALLBACK_PLUGIN_PATH"), Caches: c.List("DEFAULT_CACHE_PLUGIN_PATH"),
	}
}

// colors gives the colour of each thing that is shown in one.
func (c *Config) colors() map[string]string {
	all := map[string]string{}
	for _, what := range []string{"changed", "console_prompt", "debug", "deprecate", "diff_add", "diff_lines", "diff_remove",
		"error", "highlight", "included", "ok", "skip", "unreachable", "verbose", "warn"} {
		all[what] = c.Text("COLOR_" + strings.ToUpper(what))
	}
	return all
}
