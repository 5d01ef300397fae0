// Package addr holds the names of things: immutable values that print, parse
// back, compare with == and serve as map keys. Every language's objects are named
// by it.
//
// Static and absolute forms are different types, so that the compiler catches
// mix-ups: Config names an object as it stands in the files, Object the same
// inside one module instance, Instance one instance of that. Reference is what an
// expression says, relative to where it stands.
//
// It imports the standard library and cty/hcl only and does no I/O.
package addr

import (
	"fmt"
	"strings"
)

// Kind says what sort of object an address names.
type Kind uint8

// The kinds. The zero value is invalid. New languages add theirs at the end; the
// numbers are never stored.
const (
	Resource Kind = iota + 1 // a managed resource
	Data
	Ephemeral
	Variable
	Local
	Output
	ModuleCall
	Provider // a provider configuration
	Check
	Task
	Approval
	Playbook
	Manifest
	Template
	Workflow
	Dag
	Service
	kindEnd
)

var prefixes = [kindEnd]string{
	Resource: "", Data: "data", Ephemeral: "ephemeral", Variable: "var", Local: "local", Output: "output",
	ModuleCall: "module", Provider: "provider", Check: "check", Task: "task", Approval: "approval",
	Playbook: "playbook", Manifest: "manifest", Template: "template", Workflow: "workflow", Dag: "dag", Service: "service",
}

// String gives the word that addresses of the kind start with ("resource" for
// managed resources, whose addresses start with their type).
func (k Kind) String() string {
	if k == 0 || k >= kindEnd {
		return fmt.Sprintf("invalid kind %d", uint8(k))
	}
	if k == Resource {
		return "resource"
	}
	return prefixes[k]
}

// Typed reports whether addresses of the kind hold a type before the name.
func (k Kind) Typed() bool { return k == Resource || k == Data || k == Ephemeral }

// IsValue reports whether objects of the kind only stand for a value: nothing in
// the world corresponds to them.
func (k Kind) IsValue() bool {
	switch k {
	case Variable, Local, Output, ModuleCall, Provider, Check:
		return true
	default:
		return false
	}
}

// kindOf gives the kind whose addresses start with the word; Resource when none.
func kindOf(word string) Kind {
	for k := Data; k < kindEnd; k++ {
		if prefixes[k] == word {
			return k
		}
	}
	return Resource
}

// Root is a reserved first word of a reference to the kind, such as "data"; a
// managed resource has none.
func Root(word string) (Kind, bool) {
	k := kindOf(word)
	return k, k != Resource
}

// Module is a module instance: the root, or a path of calls with their keys. Its
// zero value is the root.
type Module struct{ path string }

// Child gives the instance of a call inside the module.
func (m Module) Child(call string, key Key) Module {
	step := "module." + call + key.String()
	if m.path == "" {
		return Module{step}
	}
	return Module{m.path + "." + step}
}

// IsRoot reports whether this is the root module.
func (m Module) IsRoot() bool { return m.path == "" }

// String gives the text form, such as module.a["x"].module.b; "" for the root.
func (m Module) String() string { return m.path }

// Steps gives the calls from the root to the module.
func (m Module) Steps() []Step {
	if m.path == "" {
		return nil
	}
	steps, rest, err := parseModule(m.path)
	if err != nil || rest != "" {
		panic("addr: invariant broken: a Module holds a path that does not parse: " + m.path)
	}
	return steps
}

// Call gives the module that holds the call that made this instance, and that
// call's step. It must not be asked of the root.
func (m Module) Call() (Module, Step) {
	steps := m.Steps()
	if len(steps) == 0 {
		panic("addr: the root module has no call")
	}
	parent := Module{}
	for _, s := range steps[:len(steps)-1] {
		parent = parent.Child(s.Name, s.Key)
	}
	return parent, steps[len(steps)-1]
}

// CallOf names the call in the module that makes the instances of a child.
func (m Module) CallOf(name string) Object {
	return Object{m, Name{Kind: ModuleCall, Name: name}}
}

// Config drops the keys.
func (m Module) Config() ModulePath {
	names := make([]string, 0, 4)
	for _, s := range m.Steps() {
		names = append(names, s.Name)
	}
	return ModulePath{strings.Join(names, ".")}
}

// Contains reports whether other is this module or lies inside it.
func (m Module) Contains(other Module) bool {
	return m.path == "" || m.path == other.path || strings.HasPrefix(other.path, m.path+".")
}

// Step is one call on the way to a module instance.
type Step struct {
	Name string
	Key  Key
}

// ModulePath is a module as it stands in the files: calls without keys. Its zero
// value is the root.
type ModulePath struct{ names string }

// Child gives the path of a call inside the module.
func (p ModulePath) Child(call string) ModulePath {
	if p.names == "" {
		return ModulePath{call}
	}
	return ModulePath{p.names + "." + call}
}

// Names gives the calls from the root.
func (p ModulePath) Names() []string {
	if p.names == "" {
		return nil
	}
	return strings.Split(p.names, ".")
}

// String gives module.a.module.b, or "" for the root.
func (p ModulePath) String() string {
	var b strings.Builder
	for i, n := range p.Names() {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString("module." + n)
	}
	return b.String()
}

// Contains reports whether other is this module or lies inside it.
func (p ModulePath) Contains(other ModulePath) bool {
	return p.names == "" || p.names == other.names || strings.HasPrefix(other.names, p.names+".")
}

// Name names an object inside its own module.
type Name struct {
	Kind Kind
	Type string // "" unless the kind is Typed; a provider configuration's alias lies in Name
	Name string
}

// String gives local_file.x, data.http.y, var.z, task.build. A managed resource
// whose type is a reserved word is written with its own: resource.task.x.
func (n Name) String() string {
	switch {
	case n.Kind == Resource && (n.Type == "resource" || kindOf(n.Type) != Resource):
		return "resource." + n.Type + "." + n.Name
	case n.Kind == Resource:
		return n.Type + "." + n.Name
	case n.Kind.Typed():
		return n.Kind.String() + "." + n.Type + "." + n.Name
	case n.Kind == Provider && n.Name != "":
		return "provider." + n.Type + "." + n.Name
	case n.Kind == Provider:
		return "provider." + n.Type
	default:
		return n.Kind.String() + "." + n.Name
	}
}

// Config is an object as it stands in the files.
type Config struct {
	Module ModulePath
	Name
}

// String gives module.a.local_file.x.
func (c Config) String() string { return join(c.Module.String(), c.Name.String()) }

// Object is an object inside one module instance; it may have several instances.
type Object struct {
	Module Module
	Name
}

// String gives module.a["k"].local_file.x.
func (o Object) String() string { return join(o.Module.String(), o.Name.String()) }

// Config drops the module's keys.
func (o Object) Config() Config { return Config{o.Module.Config(), o.Name} }

// Instance gives one instance.
func (o Object) Instance(k Key) Instance { return Instance{o, k} }

// Instance is one instance of an object.
type Instance struct {
	Object
	Key Key
}

// String gives module.a["k"].local_file.x[0].
func (i Instance) String() string { return i.Object.String() + i.Key.String() }

// Compare orders instances as a person lists them: by module, kind, type, name,
// and key with numbers in numerical order.
func (i Instance) Compare(j Instance) int {
	if c := compareModules(i.Module, j.Module); c != 0 {
		return c
	}
	if i.Kind != j.Kind {
		return int(i.Kind) - int(j.Kind)
	}
	if c := strings.Compare(i.Type, j.Type); c != 0 {
		return c
	}
	if c := strings.Compare(i.Name.Name, j.Name.Name); c != 0 {
		return c
	}
	return i.Key.Compare(j.Key)
}

func compareModules(a, b Module) int {
	if a == b {
		return 0
	}
	as, bs := a.Steps(), b.Steps()
	for i := 0; i < len(as) && i < len(bs); i++ {
		if c := strings.Compare(as[i].Name, bs[i].Name); c != 0 {
			return c
		}
		if c := as[i].Key.Compare(bs[i].Key); c != 0 {
			return c
		}
	}
	return len(as) - len(bs)
}

func join(module, name string) string {
	if module == "" {
		return name
	}
	return module + "." + name
}
