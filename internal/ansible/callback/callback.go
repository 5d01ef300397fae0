// Package callback turns the notes of a play into what people and programs read: the text of
// Ansible's default callback to the letter, those of minimal and oneline, JSON, JUnit files,
// and how long tasks took.
//
// In: play.Note values, in the order in which the machine gave them. Out: text on two writers
// (and files, for JUnit and tree). It asks for the text of the user's files only to show the
// lines that an error is about. It must not know machines, runs or how tasks are carried out:
// a log of notes read again later gives the same text.
//
// Default is in standard.go, the shape of results in result.go, and how an error with its
// causes is told in fault.go.
package callback

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tutti/internal/ansible/play"
)

// View takes notes as they come. The note of the recap is the last.
type View interface {
	Note(n play.Note)
}

// Options say how views look. The zero value is an Ansible without any configuration on a
// screen without colours, except for the Hide… flags' sense.
type Options struct {
	Out, Err io.Writer
	// Color has text coloured; Colors are the names of colours by what they are for
	// ("changed", "diff_add", ...), those of Ansible where none is given.
	Color  bool
	Colors map[string]string
	// Width is that of the terminal; 0 is 79.
	Width     int
	Verbosity int
	// Check and Diff tell that the command was given --check and --diff.
	Check, Diff bool
	// HideSkipped and HideOK leave out what display_skipped_hosts and display_ok_hosts do.
	HideSkipped, HideOK bool
	// FailedStderr sends failures to standard error.
	FailedStderr bool
	// CustomStats shows those of set_stats; CheckMarkers says "[CHECK MODE]".
	CustomStats, CheckMarkers bool
	// PathOnFailure shows the path of a task that failed.
	PathOnFailure bool
	// Format is json or yaml, of results; "" is json. Pretty is "yes", "no", or "" for each
	// format's own way.
	Format, Pretty string
	// NoDeprecations leaves out notices of what is deprecated.
	NoDeprecations bool
	// DiffContext is how many lines a diff shows around a change; nil is 3.
	DiffContext *int
	// Source gives the text of a file of the user's, to show the lines of an error.
	Source func(file string) []byte
	// Log takes each text that is shown, without colours.
	Log func(text string)
	// Now gives the time to views that measure.
	Now func() time.Time
	// Folder is where JUnit and tree write.
	Folder string
	JUnit  JUnit
}

// Names are the callbacks that New makes: first those that write on the screen.
func Names() []string {
	return []string{"default", "minimal", "oneline", "json", "yaml", "null", "debug", "junit", "tree", "timer", "profile_tasks"}
}

// New makes a view by the name that Ansible has for it, with or without its collection.
func New(name string, o Options) (View, error) {
	s := newScreen(o)
	switch short := shortName(name); short {
	case "default":
		return newStandard(s), nil
	case "yaml": // the collection's, which core's result_format took over
		s.o.Format = "yaml"
		return newStandard(s), nil
	case "debug":
		s.o.Pretty = "yes"
		return newStandard(s), nil
	case "minimal":
		return &minimal{screen: s, items: gathered{}}, nil
	case "oneline":
		return &oneline{screen: s, items: gathered{}}, nil
	case "json":
		return newResults(s), nil
	case "null":
		return nothing{}, nil
	case "junit":
		return newJUnit(s), nil
	case "tree":
		return &tree{screen: s}, nil
	case "timer":
		return &timer{screen: s}, nil
	case "profile_tasks":
		return &profile{screen: s}, nil
	default:
		return nil, fmt.Errorf("Invalid callback for stdout specified: %s. There are %s", name, strings.Join(Names(), ", ")) // Ansible's words
	}
}

func shortName(name string) string {
	for _, collection := range []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."} {
		if short, ok := strings.CutPrefix(name, collection); ok {
			return short
		}
	}
	return name
}

// Several is a view that is all of these.
func Several(views ...View) View { return several(slices.Clone(views)) }

type several []View

func (s several) Note(n play.Note) {
	for _, v := range s {
		v.Note(n)
	}
}

// nothing shows nothing.
type nothing struct{}

func (nothing) Note(play.Note) {}
