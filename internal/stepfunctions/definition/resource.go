package definition

import (
	"regexp"
	"strings"

	"tutti/internal/stepfunctions/document"
)

// ResourceKind is what a Task calls.
type ResourceKind uint8

// The kinds of resource. The zero value is one that is not valid.
const (
	LambdaResource      ResourceKind = iota + 1 // a function's ARN
	ActivityResource                            // arn:aws:states:REGION:ACCOUNT:activity:NAME
	IntegrationResource                         // arn:aws:states:::SERVICE:ACTION
	TuttiResource                               // arn:tutti:..., what the stack itself has
)

// Pattern is how an integration is called.
type Pattern string

// The patterns of integrations.
const (
	RequestResponse  Pattern = ""
	Sync             Pattern = ".sync"
	Sync2            Pattern = ".sync:2"
	WaitForTaskToken Pattern = ".waitForTaskToken"
)

// Resource is a Task's Resource, taken apart.
type Resource struct {
	Kind ResourceKind
	// Service and Action are an integration's: lambda and invoke, or aws-sdk:s3 and
	// listBuckets.
	Service, Action string
	Pattern         Pattern
}

var (
	integrationARN = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]*:[0-9]*:((?:aws-sdk:)?[A-Za-z0-9-]+):([A-Za-z0-9]+)(\.sync|\.sync:2|\.waitForTaskToken)?$`)
	activityARN    = regexp.MustCompile(`^arn:aws[a-z-]*:states:[a-z0-9-]+:[0-9]{12}:activity:[^:\s]{1,80}$`)
	lambdaARN      = regexp.MustCompile(`^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?$`)
	tuttiARN       = regexp.MustCompile(`^arn:tutti:[a-z][a-z-]*(:\S+|\.sync|\.waitForTaskToken)?$`)
)

// ParseResource takes a Task's Resource apart. ok is false for what is no resource.
func ParseResource(arn string) (r Resource, ok bool) {
	if activityARN.MatchString(arn) {
		return Resource{Kind: ActivityResource}, true
	}
	if m := integrationARN.FindStringSubmatch(arn); m != nil {
		return Resource{IntegrationResource, m[1], m[2], Pattern(m[3])}, true
	}
	switch {
	case lambdaARN.MatchString(arn):
		return Resource{Kind: LambdaResource}, true
	case tuttiARN.MatchString(arn):
		r := Resource{Kind: TuttiResource}
		for _, p := range []Pattern{Sync, WaitForTaskToken} {
			if strings.HasSuffix(arn, string(p)) {
				r.Pattern = p
			}
		}
		return r, true
	}
	return Resource{}, false
}

// What the service's optimised integrations cannot do. Which of their actions can is a
// matter of each; this refuses what none can.
var (
	noSync  = []string{"lambda", "sns", "sqs", "dynamodb", "events", "apigateway", "http"}
	noToken = []string{"athena", "batch", "codebuild", "elasticmapreduce", "emr-containers", "emr-serverless", "glue", "databrew", "mediaconvert", "sagemaker", "dynamodb", "http"}
)

func (r *reading) resource(n *document.Node, text string) Resource {
	c := r.c
	rng := c.source.Whole(n)
	res, ok := ParseResource(text)
	switch {
	case !ok:
		hint := "It is the ARN of a Lambda function, of an activity, of an integration such as arn:aws:states:::sqs:sendMessage, or of something of the stack, such as arn:tutti:task:name."
		if strings.Contains(text, "${") {
			hint = "What ${...} stands for must be given as a substitution."
		}
		c.wrongAt(n, rng, "Invalid resource", "Value is not a valid resource ARN", "%s is not the ARN of something that a Task can call. %s", quote(text), hint)
		return res
	case res.Kind == TuttiResource:
		r.tutti(n, text, res)
		return res
	case res.Kind != IntegrationResource:
		if res.Kind == ActivityResource && c.options.Express {
			c.wrongAt(n, rng, "Not possible in an express workflow", "Express state machine does not support Activity ARN", "an express workflow cannot wait for an activity's worker.")
		}
		return res
	}
	sdk := strings.HasPrefix(res.Service, "aws-sdk:")
	refused := res.Pattern != RequestResponse && sdk && res.Pattern != WaitForTaskToken ||
		(res.Pattern == Sync || res.Pattern == Sync2) && contains(noSync, res.Service) ||
		res.Pattern == Sync2 && res.Service != "states" ||
		res.Pattern == WaitForTaskToken && contains(noToken, res.Service)
	if refused {
		c.wrongAt(n, rng, "Invalid resource", "The resource provided "+text+" is not recognized", "%s cannot be called as %s.", res.Service, res.Pattern)
		return Resource{}
	}
	if c.options.Recognise != nil {
		if why := c.options.Recognise(res); why != "" {
			c.wrongAt(n, rng, "Invalid resource", "The resource provided "+text+" is not recognized", "%s", sentence(why))
			return Resource{}
		}
	}
	if c.options.Express && res.Pattern != RequestResponse {
		c.wrongAt(n, rng, "Not possible in an express workflow", "Express state machine does not support '"+string(res.Pattern)+"' service integration ", "an express workflow waits for nothing: %s is not possible in it.", res.Pattern)
	}
	return res
}

// tuttiResources are what of tutti's own a Task can call; those that end in a colon are
// followed by a name.
var tuttiResources = []string{"command", "http", "task:", "workflow:"}

// tutti refuses what is none of tutti's own resources.
func (r *reading) tutti(n *document.Node, text string, res Resource) {
	what := strings.TrimSuffix(strings.TrimPrefix(text, "arn:tutti:"), string(res.Pattern))
	var shown []string
	for _, known := range tuttiResources {
		if what == known && !strings.HasSuffix(known, ":") || strings.HasSuffix(known, ":") && strings.HasPrefix(what, known) && what != known {
			return
		}
		if strings.HasSuffix(known, ":") {
			known += "NAME"
		}
		shown = append(shown, "arn:tutti:"+known)
	}
	r.c.wrongAt(n, r.c.source.Whole(n), "Invalid resource", "The resource provided "+text+" is not recognized", "%s is nothing that a Task can call. There are %s, and arn:tutti:file for ItemReader and ResultWriter.", quote(text), strings.Join(shown, ", "))
}

func sentence(text string) string {
	if strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}

// neededArguments are the parameters without which the service refuses an integration.
func neededArguments(r Resource) []string {
	switch r.Service + ":" + r.Action {
	case "lambda:invoke":
		return []string{"FunctionName"}
	case "sqs:sendMessage":
		return []string{"QueueUrl", "MessageBody"}
	case "sns:publish":
		return []string{"Message"}
	case "dynamodb:putItem":
		return []string{"TableName", "Item"}
	case "dynamodb:getItem", "dynamodb:deleteItem", "dynamodb:updateItem":
		return []string{"TableName", "Key"}
	case "states:startExecution":
		return []string{"StateMachineArn"}
	case "events:putEvents":
		return []string{"Entries"}
	case "ecs:runTask":
		return []string{"TaskDefinition"}
	case "glue:startJobRun":
		return []string{"JobName"}
	}
	return nil
}

// integration checks that an integration is given what it cannot do without.
func (r *reading) integration(n *document.Node, res Resource) {
	if res.Kind != IntegrationResource {
		return
	}
	field := "Parameters"
	if r.language == JSONata {
		field = "Arguments"
	}
	m := n.Get(field)
	if m == nil {
		arn, _ := n.Get("Resource").Text()
		r.c.wrongAt(n, r.c.subject(n), "Missing field", field+" field is required for resource ARN: "+arn, "an integration is called with %s. Add them, %s: {} if there are none.", field, quote(field))
		return
	}
	if m.Kind != document.Object {
		return
	}
	for _, name := range neededArguments(res) {
		if !m.Has(name) && !m.Has(name+dynamicSuffix) {
			r.c.wrongAt(m, r.c.source.NameOf(m), "Missing field", "The field '"+name+"' is required but was missing", "%s of %s needs %s. Add it.", res.Action, res.Service, name)
		}
	}
}
