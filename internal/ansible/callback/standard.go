package callback

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/value"
)

// standard is Ansible's default callback.
type standard struct {
	*screen
	// tasks are those that have begun, by number.
	tasks map[int]play.Note
	// bannered is the number of the task whose banner was shown last.
	bannered int
	// late has banners come with the first result of a task, for strategies in which every
	// host goes its own way.
	late bool
}

func newStandard(s *screen) *standard {
	return &standard{screen: s, tasks: map[int]play.Note{}, bannered: -1}
}

// Note shows a note.
func (c *standard) Note(n play.Note) {
	switch n.Kind {
	case play.NotePlaybook:
		c.playbook(n)
	case play.NotePlay:
		c.play(n)
	case play.NoteNoHosts:
		c.show("skipping: no hosts matched", "skip")
	case play.NoteNoneLeft:
		c.banner("NO MORE HOSTS LEFT")
	case play.NoteTask:
		c.task(n)
	case play.NoteResult:
		c.result(c.placed(n))
	case play.NoteItem:
		c.item(c.placed(n))
	case play.NoteRetry:
		c.retry(n)
	case play.NoteAsyncPoll:
		c.poll(n)
	case play.NoteIncluded:
		c.included(n)
	case play.NoteNotified:
		if c.verbose(showPaths) {
			c.show("NOTIFIED HANDLER "+n.Text+" for "+n.Host, "verbose")
		}
	case play.NoteRecap:
		c.recap(n)
	default:
		c.text(n)
	}
}

// text shows notes that are words for people, whatever callback there is.
func (s *screen) text(n play.Note) {
	switch n.Kind {
	case play.NoteWarning:
		s.warning(n.Text)
	case play.NoteDeprecated:
		s.deprecated(n.Text)
	case play.NoteText:
		if strings.HasPrefix(n.Text, "META: ") {
			if s.verbose(showPaths) {
				s.show(n.Text, "verbose")
			}
			return
		}
		s.show(n.Text, "")
	}
}

func (c *standard) playbook(n play.Note) {
	if c.verbose(showPaths) {
		c.banner("PLAYBOOK: " + path.Base(n.Text))
	}
	c.dryRun()
}

func (c *standard) dryRun() {
	if c.o.Check && c.o.CheckMarkers {
		c.banner("DRY RUN")
	}
}

func (c *standard) marker(n play.Note) string {
	if n.Check && c.o.CheckMarkers {
		return " [CHECK MODE]"
	}
	return ""
}

func (c *standard) play(n play.Note) {
	c.late = n.Display == "late"
	if n.Play == "" {
		c.banner("PLAY" + c.marker(n))
		return
	}
	c.banner("PLAY [" + strings.TrimSpace(n.Play) + "]" + c.marker(n))
}

func (c *standard) task(n play.Note) {
	c.tasks[n.Number] = n
	if !c.late && !c.o.HideSkipped && !c.o.HideOK {
		c.taskBanner(n)
	}
}

func (c *standard) taskBanner(n play.Note) {
	prefix := "TASK"
	if n.Handler {
		prefix = "RUNNING HANDLER"
	}
	c.banner(prefix + " [" + strings.TrimSpace(n.Task) + "]" + c.marker(n))
	if c.verbose(showPaths) {
		c.taskPath(n)
	}
	c.bannered = n.Number
}

// taskPath shows where a task stands: its file and line.
func (c *standard) taskPath(n play.Note) {
	at := origin(n.Path)
	if at.File == "" {
		return
	}
	c.show(fmt.Sprintf("task path: %s:%d", at.File, max(at.Line, 1)), "debug")
}

// headed shows the banner of a result's task, unless it was the last one.
func (c *standard) headed(n play.Note) {
	if c.bannered == n.Number {
		return
	}
	begun, ok := c.tasks[n.Number]
	if !ok {
		begun = n
	}
	c.taskBanner(begun)
}

// asides shows warnings and errors that a result brings.
func (s *screen) asides(n play.Note) {
	each(n.Result, "warnings", s.warning)
	each(n.Result, "deprecations", s.deprecated)
	if n.Status == "failed" || n.Status == "unreachable" || n.Status == "ignored" || n.Result.Has(KeyCauses) {
		if chain := causes(n); len(chain) > 0 {
			s.fault(Explain(chain, s.o.Source))
		}
	}
}

// each calls a function for every text in a list of a result.
func each(r *value.Dict, key string, do func(string)) {
	v, _ := r.Get(key)
	l, ok := v.(*value.List)
	if !ok {
		return
	}
	for _, item := range l.Items {
		if d, ok := item.(*value.Dict); ok {
			item, _ = d.Get("msg")
		}
		do(value.String(item))
	}
}

// placed is a note with the place of its task.
func (c *standard) placed(n play.Note) play.Note {
	if n.Path == "" {
		n.Path = c.tasks[n.Number].Path
	}
	return n
}

func isTrue(r *value.Dict, key string) bool {
	v, _ := r.Get(key)
	return value.Truth(v)
}

func (c *standard) result(n play.Note) {
	c.showChanges(n)
	switch {
	case n.Unknown:
		c.headed(n)
		c.show("unknown: ["+n.Host+"]: unknown until applied", "skip")
	case n.Status == "unreachable", n.Status == "ignored" && isTrue(n.Result, "unreachable"):
		c.unreachable(n)
	case n.Status == "failed", n.Status == "ignored":
		c.failed(n)
	case n.Status == "skipped":
		c.skipped(n)
	default:
		c.done(n)
	}
}

// showChanges shows the diff of a result.
func (c *standard) showChanges(n play.Note) {
	if !c.o.Diff && !n.Diff {
		return
	}
	if text := c.diffs(n.Result); text != "" {
		c.headed(n)
		c.show(text, "")
	}
}

func (c *standard) unreachable(n play.Note) {
	c.headed(n)
	c.asides(n)
	c.failure(fmt.Sprintf("fatal: [%s]: UNREACHABLE! => %s", hostLabel(n), c.dump(without(n.Result), always(n), 0)), "unreachable")
	if n.Status == "ignored" {
		c.show("...ignoring", "skip")
	}
}

func (c *standard) failed(n play.Note) {
	c.headed(n)
	c.asides(n)
	if !n.Label {
		if !c.verbose(showPaths) && c.o.PathOnFailure {
			c.taskPath(n)
		}
		c.failure(fmt.Sprintf("fatal: [%s]: FAILED! => %s", hostLabel(n), c.dump(shown(n), always(n), 0)), "error")
	}
	if n.Status == "ignored" {
		c.show("...ignoring", "skip")
	}
}

func (c *standard) skipped(n play.Note) {
	if c.o.HideSkipped {
		return
	}
	c.headed(n)
	c.asides(n)
	text := "skipping: [" + n.Host + "]"
	if c.wants(n, showResults) {
		text += " => " + c.dump(shown(n), always(n), 0)
	}
	c.show(text, "skip")
}

func (c *standard) done(n play.Note) {
	status, what := "ok", "ok"
	if isTrue(n.Result, "changed") || n.Status == "changed" {
		status, what = "changed", "changed"
	} else if c.o.HideOK {
		return
	}
	c.headed(n)
	c.asides(n)
	if n.Label {
		return // the items have been told
	}
	text := status + ": [" + hostLabel(n) + "]"
	if c.wants(n, showResults) {
		text += " => " + c.dump(shown(n), always(n), 0)
	}
	c.show(text, what)
}

func (c *standard) item(n play.Note) {
	c.showChanges(n)
	label := "(item=" + itemLabel(n) + ")"
	switch {
	case n.Unknown:
		c.headed(n)
		c.show("unknown: ["+n.Host+"] => "+label+": unknown until applied", "skip")
	case n.Status == "failed", n.Status == "ignored", n.Status == "unreachable":
		c.headed(n)
		c.asides(n)
		c.failure(fmt.Sprintf("failed: [%s] %s => %s", hostLabel(n), label, c.dump(shown(n), always(n), 0)), "error")
	case n.Status == "skipped":
		if !c.o.HideSkipped {
			c.headed(n)
			c.asides(n)
			c.showItem("skipping: ["+n.Host+"] => "+label+" ", n, "skip")
		}
	case n.Status == "changed":
		c.headed(n)
		c.asides(n)
		c.showItem("changed: ["+hostLabel(n)+"] => "+label, n, "changed")
	case !c.o.HideOK:
		c.headed(n)
		c.asides(n)
		c.showItem("ok: ["+hostLabel(n)+"] => "+label, n, "ok")
	}
}

func (c *standard) showItem(text string, n play.Note, what string) {
	if c.wants(n, showResults) {
		text += " => " + c.dump(shown(n), always(n), 0)
	}
	c.show(text, what)
}

func (c *standard) retry(n play.Note) {
	text := fmt.Sprintf("FAILED - RETRYING: [%s]: %s (%d retries left).", hostLabel(n), n.Task, n.Retries-n.Attempt)
	if c.wants(n, showInvocation) {
		text += "Result was: " + c.dump(n.Result, always(n), 0)
	}
	c.show(text, "debug")
}

func (c *standard) poll(n play.Note) {
	field := func(key string) string {
		v, _ := n.Result.Get(key)
		return value.String(v)
	}
	switch n.Status {
	case "ok":
		c.show(fmt.Sprintf("ASYNC OK on %s: jid=%s", n.Host, field("ansible_job_id")), "debug")
	case "failed":
		c.show(fmt.Sprintf("ASYNC FAILED on %s: jid=%s", n.Host, field("ansible_job_id")), "debug")
	default:
		c.show(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=%s finished=%s", n.Host, field("ansible_job_id"), field("started"), field("finished")), "debug")
	}
}

func (c *standard) included(n play.Note) {
	if n.Number != 0 {
		c.headed(n)
	}
	text := "included: " + n.Text + " for " + strings.Join(n.Hosts, ", ")
	if n.Label && value.Truth(n.Item) {
		text += " => (item=" + value.String(n.Item) + ")"
	}
	c.show(text, "included")
}

// hostColumn is how wide the recap's column of hosts is; colouredColumn with the codes of a
// colour in it.
const (
	hostColumn     = 26
	colouredColumn = 37
)

func (c *standard) recap(n play.Note) {
	c.banner("PLAY RECAP")
	tallies := slices.Clone(n.Recap)
	slices.SortFunc(tallies, func(a, b play.Tally) int { return cmp.Compare(a.Host, b.Host) })
	for _, t := range tallies {
		c.write(c.o.Out, c.tally(t), "", false)
		if c.o.Log != nil {
			plain := screen{}
			c.o.Log(plain.tally(t))
		}
	}
	c.write(c.o.Out, "", "", false)
	if c.o.CustomStats && n.Custom.Len() > 0 {
		c.custom(n.Custom)
	}
	c.dryRun()
}

// tally is one host's line of the recap.
func (s *screen) tally(t play.Tally) string {
	host := fmt.Sprintf("%-*s", hostColumn, t.Host)
	if s.o.Color {
		what := "ok"
		switch {
		case t.Failed != 0 || t.Unreachable != 0:
			what = "error"
		case t.Changed != 0:
			what = "changed"
		}
		host = fmt.Sprintf("%-*s", colouredColumn, s.colored(t.Host, what))
	}
	line := fmt.Sprintf("%s : %s %s %s %s %s %s %s", host, s.count("ok", t.OK, "ok"), s.count("changed", t.Changed, "changed"),
		s.count("unreachable", t.Unreachable, "unreachable"), s.count("failed", t.Failed, "error"), s.count("skipped", t.Skipped, "skip"),
		s.count("rescued", t.Rescued, "ok"), s.count("ignored", t.Ignored, "warn"))
	if t.Unknown > 0 {
		line += " " + s.count("unknown", t.Unknown, "skip")
	}
	return line
}

// runStats is the key of the statistics that are no host's.
const runStats = "_run"

func (c *standard) custom(stats *value.Dict) {
	c.banner("CUSTOM STATS: ")
	one := func(v any) string {
		d, ok := v.(*value.Dict)
		if !ok {
			return value.Repr(v)
		}
		return strings.ReplaceAll(c.dump(d, false, 1), "\n", "")
	}
	var hosts []string
	for k := range stats.All() {
		if name := value.String(k); name != runStats {
			hosts = append(hosts, name)
		}
	}
	slices.Sort(hosts)
	for _, host := range hosts {
		v, _ := stats.Get(host)
		c.show("\t"+host+": "+one(v), "")
	}
	if v, ok := stats.Get(runStats); ok {
		c.write(c.o.Out, "", "", false)
		c.show("\tRUN: "+one(v), "")
	}
	c.write(c.o.Out, "", "", false)
}
