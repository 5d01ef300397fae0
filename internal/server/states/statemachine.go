package states

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"tutti/internal/executor"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/store"
)

func stateMachineActions() map[string]action {
	return map[string]action{
		"CreateStateMachine":             typed((*API).createStateMachine),
		"UpdateStateMachine":             typed((*API).updateStateMachine),
		"DeleteStateMachine":             typed((*API).deleteStateMachine),
		"DescribeStateMachine":           typed((*API).describeStateMachine),
		"ListStateMachines":              typed((*API).listStateMachines),
		"PublishStateMachineVersion":     typed((*API).publishVersion),
		"ListStateMachineVersions":       typed((*API).listVersions),
		"DeleteStateMachineVersion":      typed((*API).deleteVersion),
		"CreateStateMachineAlias":        typed((*API).createAlias),
		"UpdateStateMachineAlias":        typed((*API).updateAlias),
		"DeleteStateMachineAlias":        typed((*API).deleteAlias),
		"DescribeStateMachineAlias":      typed((*API).describeAlias),
		"ListStateMachineAliases":        typed((*API).listAliases),
		"ValidateStateMachineDefinition": typed((*API).validateDefinition),
		"TestState":                      typed((*API).testState),
	}
}

// The types of state machine.
const (
	typeStandard = "STANDARD"
	typeExpress  = "EXPRESS"
)

// configuration is what creating and updating have in common.
type configuration struct {
	Definition         *string         `json:"definition"`
	RoleARN            *string         `json:"roleArn"`
	Logging            json.RawMessage `json:"loggingConfiguration"`
	Tracing            json.RawMessage `json:"tracingConfiguration"`
	Encryption         json.RawMessage `json:"encryptionConfiguration"`
	Publish            bool            `json:"publish"`
	VersionDescription string          `json:"versionDescription"`
}

type createStateMachineInput struct {
	Name string `json:"name"`
	Type string `json:"type"`
	configuration
	Tags []tag `json:"tags"`
}

type createStateMachineOutput struct {
	ARN        string `json:"stateMachineArn"`
	Created    stamp  `json:"creationDate"`
	VersionARN string `json:"stateMachineVersionArn,omitempty"`
}

func (a *API) createStateMachine(ctx context.Context, c call, in *createStateMachineInput) (any, error) {
	if in.Type == "" {
		in.Type = typeStandard
	}
	if !executor.GoodName(in.Name) {
		return nil, invalidName(in.Name)
	}
	tags, err := newTags("", nil, in.Tags)
	if err != nil {
		return nil, err
	}
	at := a.o.Clock().UTC()
	m := &stateMachine{ARN: a.arn(c, kindStateMachine, in.Name), Name: in.Name, Type: in.Type, Created: at, Publish: in.Publish,
		VersionDescription: in.VersionDescription, Tags: tags, settings: settings{Updated: at}}
	if err := a.configure(ctx, m, &in.configuration); err != nil {
		return nil, err
	}
	if in.Publish {
		m.publish(in.VersionDescription, at)
	}
	var out *stateMachine
	err = a.registry.change(ctx, m.ARN, func(was *stateMachine) (*stateMachine, error) {
		out = m
		switch {
		case was == nil:
			return m, nil
		case was.Deleting:
			return nil, fault("StateMachineDeleting", "State Machine is being deleted: '%s'", was.ARN)
		case !m.sameAs(was):
			return nil, fault("StateMachineAlreadyExists", "State Machine Already Exists: '%s'", was.ARN)
		}
		out = was
		return was, nil
	})
	if err != nil {
		return nil, err
	}
	answer := createStateMachineOutput{ARN: out.ARN, Created: stamp(out.Created)}
	if out.Publish {
		answer.VersionARN = out.versionARN(1)
	}
	return answer, nil
}

// sameAs is the idempotency of CreateStateMachine: the role and the tags do not
// count (API reference).
func (m *stateMachine) sameAs(was *stateMachine) bool {
	return m.Type == was.Type && m.Definition == was.Definition && m.Publish == was.Publish && m.VersionDescription == was.VersionDescription &&
		bytes.Equal(m.Logging, was.Logging) && bytes.Equal(m.Tracing, was.Tracing) && bytes.Equal(m.Encryption, was.Encryption)
}

// role is the form of an IAM role's ARN.
var role = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:iam::[0-9]{12}:role/.+$`)

// configure checks what is given and sets it.
func (a *API) configure(ctx context.Context, m *stateMachine, in *configuration) error {
	if in.VersionDescription != "" && !in.Publish {
		return invalid("Version description can only be set when publish is true")
	}
	if in.RoleARN != nil {
		if !role.MatchString(*in.RoleARN) {
			return fault("InvalidArn", "Invalid Role Arn: '%s'", *in.RoleARN)
		}
		m.RoleARN = *in.RoleARN
	}
	var err error
	if m.Logging, err = logging(m.Logging, in.Logging); err != nil {
		return err
	}
	if m.Tracing, err = tracing(m.Tracing, in.Tracing); err != nil {
		return err
	}
	if m.Encryption, err = encryption(m.Encryption, in.Encryption); err != nil {
		return err
	}
	if in.Definition == nil {
		return nil
	}
	if m.Definition, err = a.keepDefinition(ctx, *in.Definition, m.Type); err == nil && a.o.Strict {
		err = a.warnOfLimits(ctx, m, len(*in.Definition))
	}
	return err
}

// warnOfLimits tells the log where the service's limits could be passed: the answers that
// create and change state machines have no place for warnings.
func (a *API) warnOfLimits(ctx context.Context, m *stateMachine, size int) error {
	def, err := a.o.Executor.Kept(ctx, m.Definition)
	if err != nil {
		return err
	}
	for _, f := range def.Strict(definition.Use{Size: size, Express: m.Type == typeExpress}) {
		a.o.Log.Warn("a limit of AWS could be passed", "state machine", m.ARN, "location", f.Location, "why", f.Message)
	}
	return nil
}

// keepDefinition checks a definition and stores it.
func (a *API) keepDefinition(ctx context.Context, text, kind string) (hash string, err error) {
	if a.o.Strict && len(text) > maxDefinition {
		return "", fault("InvalidDefinition", "Invalid State Machine Definition: 'LENGTH_EXCEEDED: it is larger than %d bytes'", maxDefinition)
	}
	hash, err = a.o.Executor.KeepDefinition(ctx, text, kind == typeExpress)
	if wrong := (*executor.DefinitionError)(nil); errors.As(err, &wrong) {
		return "", fault("InvalidDefinition", "Invalid State Machine Definition: '%s'", summary(wrong.Findings))
	}
	return hash, err
}

// maxDefinition is the service's own bound in bytes (API reference, CreateStateMachine).
const maxDefinition = 1 << 20

// logging checks a LoggingConfiguration. Nothing is logged to CloudWatch: it is kept
// and given back, so that an unchanged caller finds what it set.
func logging(was, in json.RawMessage) (json.RawMessage, error) {
	if absent(in) {
		if was == nil {
			return json.RawMessage(`{"level":"OFF","includeExecutionData":false}`), nil
		}
		return was, nil
	}
	var l struct {
		Level        string            `json:"level"`
		Include      bool              `json:"includeExecutionData"`
		Destinations []json.RawMessage `json:"destinations,omitempty"`
	}
	if err := json.Unmarshal(in, &l); err != nil {
		return nil, serialization(err.Error())
	}
	if l.Level == "" {
		l.Level = "OFF"
	}
	if len(l.Destinations) > 1 || l.Level != "OFF" && len(l.Destinations) == 0 {
		return nil, fault("InvalidLoggingConfiguration", "Invalid Logging Configuration: Must specify exactly one Log Destination.")
	}
	return json.Marshal(l)
}

func tracing(was, in json.RawMessage) (json.RawMessage, error) {
	if absent(in) {
		if was == nil {
			return json.RawMessage(`{"enabled":false}`), nil
		}
		return was, nil
	}
	var t struct {
		Enabled bool `json:"enabled"`
	}
	if err := json.Unmarshal(in, &t); err != nil {
		return nil, serialization(err.Error())
	}
	return json.Marshal(t)
}

// encryption takes the service's own key only: the store encrypts with the key of
// the machine that it is on.
func encryption(was, in json.RawMessage) (json.RawMessage, error) {
	const owned = `{"type":"AWS_OWNED_KEY"}`
	if absent(in) {
		if was == nil {
			return json.RawMessage(owned), nil
		}
		return was, nil
	}
	var e struct {
		Type string `json:"type"`
		Key  string `json:"kmsKeyId"`
	}
	if err := json.Unmarshal(in, &e); err != nil {
		return nil, serialization(err.Error())
	}
	if e.Type != "AWS_OWNED_KEY" || e.Key != "" {
		return nil, fault("InvalidEncryptionConfiguration", "Invalid Encryption Configuration: customer managed keys are not supported; what is stored is encrypted with the server's own key")
	}
	return json.RawMessage(owned), nil
}

func absent(text json.RawMessage) bool { return len(text) == 0 || string(text) == "null" }

func (a *API) arn(c call, kind, name string) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(c.region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(c.region, "us-gov-"):
		partition = "aws-us-gov"
	}
	return fmt.Sprintf("arn:%s:states:%s:%s:%s:%s", partition, c.region, a.o.Account, kind, name)
}

type updateStateMachineInput struct {
	ARN string `json:"stateMachineArn"`
	configuration
}

type updateStateMachineOutput struct {
	Updated    stamp  `json:"updateDate"`
	Revision   string `json:"revisionId,omitempty"`
	VersionARN string `json:"stateMachineVersionArn,omitempty"`
}

func (a *API) updateStateMachine(ctx context.Context, _ call, in *updateStateMachineInput) (any, error) {
	if in.Definition == nil && in.RoleARN == nil && absent(in.Logging) && absent(in.Tracing) && absent(in.Encryption) {
		return nil, fault("MissingRequiredParameter", "Either the definition, the role ARN, the LoggingConfiguration, the TracingConfiguration or the EncryptionConfiguration must be specified")
	}
	id, err := unqualified(in.ARN)
	if err != nil {
		return nil, err
	}
	at := a.o.Clock().UTC()
	out := updateStateMachineOutput{Updated: stamp(at)}
	err = a.registry.change(ctx, id.stateMachine(), func(was *stateMachine) (*stateMachine, error) {
		m, err := a.changeable(was, in.ARN)
		if err != nil {
			return nil, err
		}
		if err := a.configure(ctx, m, &in.configuration); err != nil {
			return nil, err
		}
		m.Updated = at
		if m.Definition != was.Definition || m.RoleARN != was.RoleARN || !bytes.Equal(m.Logging, was.Logging) || !bytes.Equal(m.Tracing, was.Tracing) {
			m.Revision = uuid.NewString()
			out.Revision = m.Revision
		}
		if in.Publish {
			v, err := m.publishCurrent(in.VersionDescription, at)
			if err != nil {
				return nil, err
			}
			out.VersionARN = m.versionARN(v.Number)
		}
		return m, nil
	})
	return out, err
}

// unqualified reads the ARN of a state machine that must have no version, alias or label.
func unqualified(text string) (arn, error) {
	id, ok := parseArn(text)
	if !ok || id.kind != kindStateMachine || id.qualifier() != "" {
		return arn{}, invalidArn(text)
	}
	return id, noLabel(id)
}

// noLabel refuses the ARN of a distributed Map's state (API reference).
func noLabel(id arn) error {
	if id.label == "" {
		return nil
	}
	f := invalid("This API does not support labeled state machine ARNs.")
	f.Reason = "API_DOES_NOT_SUPPORT_LABELED_ARNS"
	return f
}

// changeable gives a copy of a state machine that may be changed.
func (a *API) changeable(was *stateMachine, arn string) (*stateMachine, error) {
	switch {
	case was == nil:
		return nil, noStateMachine(arn)
	case was.Deleting:
		return nil, fault("StateMachineDeleting", "State Machine is being deleted: '%s'", arn)
	default:
		return was.clone(), nil
	}
}

type stateMachineInput struct {
	ARN      string `json:"stateMachineArn"`
	Included string `json:"includedData"`
}

// metadataOnly is the IncludedData that leaves definitions, inputs and outputs out.
const metadataOnly = "METADATA_ONLY"

// deleteStateMachine stops the executions of a state machine and deletes it, with its
// versions and aliases, when they have ended. What is not there is deleted already.
func (a *API) deleteStateMachine(ctx context.Context, _ call, in *stateMachineInput) (any, error) {
	id, err := unqualified(in.ARN)
	if err != nil {
		return nil, err
	}
	key := id.stateMachine()
	err = a.registry.change(ctx, key, func(was *stateMachine) (*stateMachine, error) {
		if was == nil || was.Deleting {
			return was, nil
		}
		m := was.clone()
		m.Deleting = true
		return m, nil
	})
	if err != nil {
		return nil, err
	}
	open, err := a.o.Store.Find(ctx, store.RunFilter{Owner: key, Statuses: statusesOf(statusRunning)})
	if err != nil {
		return nil, err
	}
	for _, r := range open {
		if err := a.o.Host.Cancel(ctx, r.ID, stopReason("", "The state machine was deleted.")); err != nil && !ended(err) {
			return nil, err
		}
	}
	return struct{}{}, a.sweep(ctx, key)
}

// sweep deletes a state machine that is being deleted and has no open execution left.
func (a *API) sweep(ctx context.Context, key string) error {
	return a.registry.change(ctx, key, func(was *stateMachine) (*stateMachine, error) {
		if was == nil || !was.Deleting {
			return was, nil
		}
		open, err := a.o.Store.Find(ctx, store.RunFilter{Owner: key, Statuses: statusesOf(statusRunning), Limit: 1})
		if err != nil || len(open) > 0 {
			return was, err
		}
		return nil, nil
	})
}

// lookup gives a state machine that is there, and sees to one that is being deleted.
func (a *API) lookup(ctx context.Context, id arn, text string) (*stateMachine, error) {
	key := id.stateMachine()
	m := a.registry.stateMachine(key)
	if m != nil && m.Deleting {
		if err := a.sweep(ctx, key); err != nil {
			return nil, err
		}
		m = a.registry.stateMachine(key)
	}
	if m == nil {
		return nil, noStateMachine(text)
	}
	return m, nil
}

type describeStateMachineOutput struct {
	ARN         string          `json:"stateMachineArn"`
	Name        string          `json:"name"`
	Status      string          `json:"status"`
	Definition  string          `json:"definition,omitempty"`
	RoleARN     string          `json:"roleArn"`
	Type        string          `json:"type"`
	Created     stamp           `json:"creationDate"`
	Logging     json.RawMessage `json:"loggingConfiguration"`
	Tracing     json.RawMessage `json:"tracingConfiguration"`
	Encryption  json.RawMessage `json:"encryptionConfiguration"`
	Revision    string          `json:"revisionId,omitempty"`
	Description string          `json:"description,omitempty"`
	// Variables are the variables that states use, by the states' names.
	Variables map[string][]string `json:"variableReferences,omitempty"`
}

func (a *API) describeStateMachine(ctx context.Context, _ call, in *stateMachineInput) (any, error) {
	id, ok := parseArn(in.ARN)
	if !ok || id.kind != kindStateMachine {
		return nil, invalidArn(in.ARN)
	}
	if err := noLabel(id); err != nil {
		return nil, err
	}
	m, err := a.lookup(ctx, id, in.ARN)
	if err != nil {
		return nil, err
	}
	out := describeStateMachineOutput{ARN: m.ARN, Name: m.Name, Status: "ACTIVE", Type: m.Type, Created: stamp(m.Created)}
	s := m.settings
	if m.Deleting {
		out.Status = "DELETING"
	}
	if id.qualifier() != "" {
		chosen, err := m.choose(id, in.ARN, 0)
		if err != nil {
			return nil, err
		}
		out.ARN, out.Description, out.Created = m.versionARN(chosen.Number), chosen.Description, stamp(chosen.Published)
		s = chosen.settings
	}
	out.RoleARN, out.Logging, out.Tracing, out.Encryption, out.Revision = s.RoleARN, s.Logging, s.Tracing, s.Encryption, s.Revision
	if in.Included != metadataOnly {
		out.Definition, out.Variables, err = a.definition(ctx, s.Definition)
	}
	return out, err
}

// definition gives the text of a definition, and which variables its states use.
func (a *API) definition(ctx context.Context, hash string) (text string, variables map[string][]string, err error) {
	def, err := a.o.Executor.Kept(ctx, hash)
	if err != nil {
		return "", nil, err
	}
	text, err = a.o.Executor.DefinitionText(ctx, hash)
	return text, def.VariableReferences(), err
}

type listInput struct {
	ARN        string `json:"stateMachineArn"`
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

type stateMachineItem struct {
	ARN     string `json:"stateMachineArn"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Created stamp  `json:"creationDate"`
}

func (a *API) listStateMachines(_ context.Context, c call, in *listInput) (any, error) {
	var all []stateMachineItem
	for _, m := range a.registry.stateMachines() {
		if id, ok := parseArn(m.ARN); ok && id.region == c.region {
			all = append(all, stateMachineItem{ARN: m.ARN, Name: m.Name, Type: m.Type, Created: stamp(m.Created)})
		}
	}
	page, next, err := pageOf(all, in, func(x stateMachineItem) string { return x.Name })
	return struct {
		Items []stateMachineItem `json:"stateMachines"`
		Next  string             `json:"nextToken,omitempty"`
	}{page, next}, err
}

// publish makes a version of what is current.
func (m *stateMachine) publish(description string, at time.Time) version {
	m.LastVersion++
	v := version{settings: m.settings, Number: m.LastVersion, Description: description, Published: at}
	m.Versions = append(m.Versions, v)
	return v
}
