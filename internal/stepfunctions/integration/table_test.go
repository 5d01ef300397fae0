package integration

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"testing"

	"tutti/internal/aws/catalog"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
)

// TestActions holds the table of integrations against the services' models: each operation exists, looks at and stops
// take what they are given, and what is read of an answer is in it.
func TestActions(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	for arn, s := range optimised() {
		for name, a := range s.actions {
			if a.carry != nil {
				continue
			}
			c := checker{t: t, what: arn + ":" + name}
			var known bool
			if c.service, known = services.Service(s.name); !known {
				t.Errorf("%s: there is no service %s", c.what, s.name)
				continue
			}
			submit := c.operation(cmp.Or(a.operation, name))
			if submit == nil || a.job == nil {
				continue
			}
			c.job(a, submit)
		}
	}
}

type checker struct {
	t       *testing.T
	what    string
	service *catalog.Service
}

func (c checker) operation(name string) *catalog.Operation {
	o, known := c.service.Operation(name)
	if !known {
		c.t.Errorf("%s: there is no operation %s", c.what, name)
	}
	return o
}

func (c checker) job(a action, submit *catalog.Operation) {
	j := a.job
	poll := c.operation(j.poll)
	if poll == nil {
		return
	}
	if !strings.HasPrefix(j.id, ".") && a.result == nil {
		c.path(submit.Output, j.id)
	}
	if j.token != "" {
		c.path(submit.Input, j.token)
	}
	c.input(poll, j.look(object{}, "id"))
	c.path(poll.Output, j.status)
	if j.result != "" {
		c.path(poll.Output, j.result)
	}
	if len(j.done) == 0 && !j.gone {
		c.t.Errorf("%s: it is never done", c.what)
	}
	if j.stop != "" {
		if stop := c.operation(j.stop); stop != nil {
			c.input(stop, j.end(object{}, "id", "why"))
		}
	}
}

func (c checker) path(shape *catalog.Shape, path string) {
	for step := range strings.SplitSeq(path, ".") {
		switch {
		case shape.Kind == catalog.List && step == "0":
			shape = shape.Element.Shape
		case shape.Kind == catalog.Structure:
			m, known := shape.Member(step)
			if !known {
				c.t.Errorf("%s: there is no %s in %s", c.what, step, path)
				return
			}
			shape = m.Shape
		default:
			c.t.Errorf("%s: %s leads into a %s", c.what, path, shape.Kind)
			return
		}
	}
}

func (c checker) input(o *catalog.Operation, input object) {
	for name := range input {
		if _, known := o.Input.Member(name); !known {
			c.t.Errorf("%s: %s takes no %s", c.what, o.Name, name)
		}
	}
	for i := range o.Input.Members {
		m := &o.Input.Members[i]
		if _, given := input[catalog.Upper(m.Name)]; m.Required && !given {
			c.t.Errorf("%s: %s needs %s", c.what, o.Name, m.Name)
		}
	}
}

// TestTokens lists the jobs that are found again when they are submitted twice, and how. The names of SageMaker's and
// EKS's are the user's, and refused the second time.
func TestTokens(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	var lacking []string
	for arn, s := range optimised() {
		for name, a := range s.actions {
			if a.job == nil || a.job.token != "" || a.job.again != nil || strings.HasPrefix(a.job.id, ".") || arn == "states" {
				continue
			}
			service, _ := services.Service(s.name)
			o, _ := service.Operation(cmp.Or(a.operation, name))
			if !slices.ContainsFunc(o.Input.Members, func(m catalog.Member) bool { return m.Token }) {
				lacking = append(lacking, arn+":"+name)
			}
		}
	}
	slices.Sort(lacking)
	want := []string{"databrew:startJobRun", "elasticmapreduce:addStep", "elasticmapreduce:createCluster"}
	if !slices.Equal(lacking, want) {
		t.Errorf("these jobs are begun twice when they are submitted twice: %q, want %q", lacking, want)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	i := New(Options{})
	for resource, want := range map[string]string{
		"arn:aws:states:::sqs:sendMessage":                 "",
		"arn:aws:states:::aws-sdk:s3:listBuckets":          "",
		"arn:aws:lambda:eu-west-1:123456789012:function:f": "",
		"arn:aws:states:::states:startExecution.sync:2":    "",
		"arn:aws:states:::sqs:deleteMessage":               "the integration with sqs has no action deleteMessage; call it as aws-sdk:sqs:deleteMessage",
		"arn:aws:states:::ec2:runInstances":                "there is no integration with ec2",
		"arn:aws:states:::sqs:sendMessage.sync":            "sqs:sendMessage cannot be called as .sync",
		"arn:aws:states:eu-west-1:123456789012:activity:a": "is nothing of AWS",
		"arn:tutti:command":                                "is nothing of AWS",
		"arn:aws:s3:::bucket":                              "is not the ARN of something that a Task can call",
	} {
		_, err := i.find(execution.Call{Resource: resource})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", resource, err, want)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.services)) {
		if _, ok := definition.ParseResource("arn:aws:states:::" + name + ":x"); !ok {
			t.Errorf("no resource can name %s", name)
		}
	}
}
