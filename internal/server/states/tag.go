package states

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// maxTags is how many tags a resource may have (developer guide, "Quotas").
const maxTags = 50

type tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func resourceActions() map[string]action {
	return map[string]action{
		"TagResource":         typed((*API).tagResource),
		"UntagResource":       typed((*API).untagResource),
		"ListTagsForResource": typed((*API).listTags),
		"CreateActivity":      typed((*API).createActivity),
		"DeleteActivity":      typed((*API).deleteActivity),
		"DescribeActivity":    typed((*API).describeActivity),
		"ListActivities":      typed((*API).listActivities),
	}
}

// newTags gives the tags that are there with others put over them.
func newTags(arn string, was map[string]string, add []tag) (map[string]string, error) {
	now := maps.Clone(was)
	if now == nil {
		now = map[string]string{}
	}
	for _, t := range add {
		if t.Key == "" {
			return nil, invalid("1 validation error detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null")
		}
		now[t.Key] = t.Value
	}
	if len(now) > maxTags {
		f := fault("TooManyTags", "The resource has too many tags: %d, and %d are allowed", len(now), maxTags)
		f.Resource = arn
		return nil, f
	}
	return now, nil
}

type tagInput struct {
	ARN  string   `json:"resourceArn"`
	Tags []tag    `json:"tags"`
	Keys []string `json:"tagKeys"`
}

func (a *API) tagResource(ctx context.Context, _ call, in *tagInput) (any, error) {
	return struct{}{}, a.retag(ctx, in.ARN, func(was map[string]string) (map[string]string, error) {
		return newTags(in.ARN, was, in.Tags)
	})
}

func (a *API) untagResource(ctx context.Context, _ call, in *tagInput) (any, error) {
	return struct{}{}, a.retag(ctx, in.ARN, func(was map[string]string) (map[string]string, error) {
		now := maps.Clone(was)
		for _, k := range in.Keys {
			delete(now, k)
		}
		return now, nil
	})
}

// retag changes the tags of a state machine or activity.
func (a *API) retag(ctx context.Context, arn string, f func(map[string]string) (map[string]string, error)) error {
	id, ok := parseArn(arn)
	switch {
	case !ok:
		return invalidArn(arn)
	case id.kind == kindActivity:
		return a.registry.changeActivity(ctx, arn, func(was *activity) (*activity, error) {
			if was == nil {
				return nil, noResource(arn)
			}
			now := *was
			var err error
			now.Tags, err = f(was.Tags)
			return &now, err
		})
	default:
		return a.registry.change(ctx, arn, func(was *stateMachine) (*stateMachine, error) {
			if was == nil {
				return nil, noResource(arn)
			}
			now := was.clone()
			var err error
			now.Tags, err = f(was.Tags)
			return now, err
		})
	}
}

func (a *API) listTags(_ context.Context, _ call, in *tagInput) (any, error) {
	id, ok := parseArn(in.ARN)
	if !ok {
		return nil, invalidArn(in.ARN)
	}
	var have map[string]string
	if id.kind == kindActivity {
		x := a.registry.activity(in.ARN)
		if x == nil {
			return nil, noResource(in.ARN)
		}
		have = x.Tags
	} else {
		m := a.registry.stateMachine(in.ARN)
		if m == nil {
			return nil, noResource(in.ARN)
		}
		have = m.Tags
	}
	list := []tag{}
	for k, v := range have {
		list = append(list, tag{k, v})
	}
	slices.SortFunc(list, func(x, y tag) int { return cmp.Compare(x.Key, y.Key) })
	return struct {
		Tags []tag `json:"tags"`
	}{list}, nil
}
