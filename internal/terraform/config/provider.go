package config

import "strings"

// impliedProvider gives the local name of the provider that a resource type
// belongs to when the block does not say: the type up to its first underscore.
func impliedProvider(typeName string) string {
	name, _, _ := strings.Cut(typeName, "_")
	return name
}
