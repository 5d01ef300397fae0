package aws

import (
	"context"
	"fmt"
	"sync"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// setup reads the configuration once. A failure is not kept: the file may be mended.
type setup struct {
	mutex sync.Mutex
	done  *loaded
}

type loaded struct{ config sdk.Config }

func (s *setup) load(ctx context.Context, o Options) (*loaded, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.done != nil {
		return s.done, nil
	}
	// What the SDK would log, such as that a machine has no role, is in the error as well if it matters.
	with := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})}
	if o.Credentials != nil {
		with = append(with, config.WithCredentialsProvider(o.Credentials))
	}
	if o.Region != "" {
		with = append(with, config.WithRegion(o.Region))
	}
	c, err := config.LoadDefaultConfig(ctx, with...)
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if c.HTTPClient == nil {
		c.HTTPClient = awshttp.NewBuildableClient() // goes through proxies, follows no redirects
	}
	s.done = &loaded{c}
	return s.done, nil
}

// endpoint gives the URL that the user has set for a service or for all, or "". What is set for the service goes before
// what is set for all, and the environment before the files.
func (l *loaded) endpoint(ctx context.Context, option, serviceID string) (string, error) {
	if option != "" {
		return option, nil
	}
	if ignore, found, err := config.GetIgnoreConfiguredEndpoints(ctx, l.config.ConfigSources); err != nil || found && ignore {
		return "", err
	}
	for _, source := range l.config.ConfigSources {
		if s, is := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); is {
			if url, found, err := s.GetServiceBaseEndpoint(ctx, serviceID); err != nil || found {
				return url, err
			}
		}
	}
	if l.config.BaseEndpoint != nil {
		return *l.config.BaseEndpoint, nil
	}
	return "", nil
}

// role gives the credentials of an assumed role, which are kept until shortly before they expire.
func (c *Client) role(arn, region string) sdk.CredentialsProvider {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := region + " " + arn
	if c.roles[key] == nil {
		c.roles[key] = sdk.NewCredentialsCache(sdk.CredentialsProviderFunc(func(ctx context.Context) (sdk.Credentials, error) {
			return c.assume(ctx, arn, region)
		}), func(o *sdk.CredentialsCacheOptions) { o.ExpiryWindow = 5 * time.Minute })
	}
	return c.roles[key]
}

func (c *Client) assume(ctx context.Context, arn, region string) (sdk.Credentials, error) {
	out, err := c.Call(ctx, Request{
		Service: "sts", Operation: "AssumeRole", Region: region,
		Input: map[string]any{"RoleArn": arn, "RoleSessionName": "tutti"},
	})
	if err != nil {
		return sdk.Credentials{}, err
	}
	given, _ := out["Credentials"].(map[string]any)
	text := func(name string) string { t, _ := given[name].(string); return t }
	expires, err := time.Parse(time.RFC3339, text("Expiration"))
	if err != nil {
		return sdk.Credentials{}, fmt.Errorf("STS gave credentials that expire at %q", text("Expiration"))
	}
	return sdk.Credentials{
		AccessKeyID: text("AccessKeyId"), SecretAccessKey: text("SecretAccessKey"), SessionToken: text("SessionToken"),
		Source: "tutti assumed " + arn, CanExpire: true, Expires: expires,
	}, nil
}
