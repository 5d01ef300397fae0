package argument

// Check gives the arguments with aliases resolved, defaults filled in and types converted;
// every option of the spec is a key of the result, nil when it has no value. problems are
// Ansible's messages, in the order in which Ansible looks: unsupported parameters, mutually
// exclusive, required, types, choices, together, one of, if, by, suboptions. The arguments
// given are not changed.
func Check(s Spec, args map[string]any) (checked map[string]any, problems []string) {
	panic("not written yet")
}

// Visible gives arguments as they may be shown: those of NoLog options are replaced.
func Visible(s Spec, args map[string]any) map[string]any {
	panic("not written yet")
}
