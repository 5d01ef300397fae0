package catalog

import (
	"bytes"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestTables decodes every table, and holds each to being exactly what Encode writes of it.
func TestTables(t *testing.T) {
	t.Parallel()
	var c Catalog
	c.load()
	if len(c.names) < 400 {
		t.Errorf("there are %d services", len(c.names))
	}
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	operations := 0
	for _, name := range c.names {
		s, known := c.Service(name)
		if !known || s.Protocol == 0 || s.ID == "" || s.EndpointPrefix == "" || s.SigningName == "" {
			t.Errorf("%s: found %t: %+v", name, known, s)
			continue
		}
		operations += len(s.Operations)
		if found, known := c.Service(ClientName(s.ID)); !known || found.ID != s.ID {
			t.Errorf("%s is not found as %s", name, ClientName(s.ID))
		}
		packed, err := tables.ReadFile("tables/" + name + TableSuffix)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := z.DecodeAll(packed, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(Encode(s), plain) {
			t.Errorf("%s: encoding the decoded table gives another one", name)
		}
		if len(packed) > 150<<10 {
			t.Errorf("%s: the table takes %d bytes", name, len(packed))
		}
		for _, o := range s.Operations {
			if found, ok := s.Operation(o.Name); !ok || found.Name != o.Name {
				t.Errorf("%s: operation %s is not found", name, o.Name)
			}
			if o.Method == "" || o.URI == "" {
				t.Errorf("%s %s: method %q, path %q", name, o.Name, o.Method, o.URI)
			}
		}
	}
	if operations < 19_000 {
		t.Errorf("there are %d operations", operations)
	}
}

// TestNames holds the names that Step Functions' documentation lists against those made of the service IDs.
func TestNames(t *testing.T) {
	t.Parallel()
	var c Catalog
	for client, want := range map[string]struct{ table, class string }{
		"accessanalyzer":           {"accessanalyzer", "AccessAnalyzer"},
		"acmpca":                   {"acm-pca", "AcmPca"},
		"apigatewayv2":             {"apigatewayv2", "ApiGatewayV2"},
		"cloudwatch":               {"cloudwatch", "CloudWatch"},
		"cloudwatchlogs":           {"logs", "CloudWatchLogs"},
		"cognitoidentityprovider":  {"cognito-idp", "CognitoIdentityProvider"},
		"config":                   {"config", "Config"},
		"databasemigration":        {"dms", "DatabaseMigration"},
		"dynamodb":                 {"dynamodb", "DynamoDb"},
		"ec2":                      {"ec2", "Ec2"},
		"ecs":                      {"ecs", "Ecs"},
		"elasticloadbalancing":     {"elb", "ElasticLoadBalancing"},
		"elasticloadbalancingv2":   {"elbv2", "ElasticLoadBalancingV2"},
		"eventbridge":              {"events", "EventBridge"},
		"iot":                      {"iot", "Iot"},
		"kinesisanalyticsv2":       {"kinesisanalyticsv2", "KinesisAnalyticsV2"},
		"lambda":                   {"lambda", "Lambda"},
		"lexruntime":               {"lex-runtime", "LexRuntime"},
		"opensearchserverless":     {"opensearchserverless", "OpenSearchServerless"},
		"rdsdata":                  {"rds-data", "RdsData"},
		"resourcegroupstaggingapi": {"resourcegroupstaggingapi", "ResourceGroupsTaggingApi"},
		"s3":                       {"s3", "S3"},
		"s3control":                {"s3control", "S3Control"},
		"sesv2":                    {"sesv2", "SesV2"},
		"sfn":                      {"stepfunctions", "Sfn"},
		"wafv2":                    {"wafv2", "Wafv2"},
	} {
		s, known := c.Service(client)
		if !known || s.Name != want.table || ClassName(s.ID) != want.class {
			t.Errorf("%s: found %t, table %q, class %q, want %q", client, known, s.Name, ClassName(s.ID), want)
		}
	}
	seen := map[string]bool{}
	for _, client := range c.Clients() {
		if seen[client] {
			t.Errorf("two services are named %s", client)
		}
		seen[client] = true
	}
}

func TestPascal(t *testing.T) {
	t.Parallel()
	for member, want := range map[string]string{
		"clusterArn": "ClusterArn", "DBInstanceIdentifier": "DbInstanceIdentifier", "ETag": "ETag", "ARN": "Arn",
		"SSEKMSKeyId": "SsekmsKeyId", "ACL": "Acl", "x": "X", "": "", "ID": "Id", "S": "S", "SS": "Ss",
	} {
		if got := Pascal(member); got != want {
			t.Errorf("%q becomes %q, want %q", member, got, want)
		}
	}
	for shape, want := range map[string]string{
		"NoSuchKey": "NoSuchKeyException", "ConditionalCheckFailedException": "ConditionalCheckFailedException",
		"DBInstanceNotFoundFault": "DbInstanceNotFoundException", "KMSInvalidStateException": "KmsInvalidStateException",
	} {
		if got := ErrorClass(shape); got != want {
			t.Errorf("%s becomes %s, want %s", shape, got, want)
		}
	}
}

func TestMember(t *testing.T) {
	t.Parallel()
	var c Catalog
	s, _ := c.Service("rds")
	o, _ := s.Operation("createDBInstance")
	byModel, _ := o.Input.Member("DBInstanceIdentifier")
	byPascal, _ := o.Input.Member("DbInstanceIdentifier")
	if byModel == nil || byModel != byPascal {
		t.Errorf("found %v and %v", byModel, byPascal)
	}
	if m, found := o.Input.Member("dbinstanceidentifier"); found {
		t.Errorf("found %v", m)
	}
}

func TestPartition(t *testing.T) {
	t.Parallel()
	var c Catalog
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "us-iso-east-1": "aws-iso", "moon-1": "aws",
	} {
		if got := c.Partition(region).ID; got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	var c Catalog
	for _, test := range []struct{ service, region, url, signing string }{
		{"sqs", "eu-west-1", "https://sqs.eu-west-1.amazonaws.com", "eu-west-1/sqs"},
		{"s3", "us-east-1", "https://s3.us-east-1.amazonaws.com", "us-east-1/s3"},
		{"iam", "eu-west-1", "https://iam.amazonaws.com", "us-east-1/iam"},
		{"iam", "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1/iam"},
		{"route53", "us-west-2", "https://route53.amazonaws.com", "us-east-1/route53"},
		{"logs", "us-gov-west-1", "https://logs.us-gov-west-1.amazonaws.com", "us-gov-west-1/logs"},
		{"dsql", "us-east-2", "https://dsql.us-east-2.api.aws", "us-east-2/dsql"},
		{"ecr", "ap-south-1", "https://api.ecr.ap-south-1.amazonaws.com", "ap-south-1/ecr"},
		{"sts", "moon-north-7", "https://sts.moon-north-7.amazonaws.com", "moon-north-7/sts"},
	} {
		s, _ := c.Service(test.service)
		url, region, name := c.Endpoint(s, test.region)
		if url != test.url || region+"/"+name != test.signing {
			t.Errorf("%s in %s: %s, signed for %s/%s, want %s, %s", test.service, test.region, url, region, name, test.url, test.signing)
		}
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	nested := &Shape{Kind: Structure, Payload: -1}
	for range maxDepth + 1 {
		nested = &Shape{Kind: List, Element: &Member{Shape: nested}, Payload: -1}
	}
	deep := Encode(&Service{Protocol: JSON, Operations: []Operation{{Name: "Dig", Input: nested}}})
	for name, test := range map[string]struct {
		table []byte
		want  string
	}{
		"empty":   {nil, "not a service's table"},
		"version": {[]byte{99}, "another version"},
		"short":   {[]byte{tableVersion, 200}, "too early"},
		"deep":    {deep, "500 deep"},
		"more":    {append(Encode(&Service{Protocol: JSON}), 0), "1 bytes follow"},
	} {
		if _, err := Decode(test.table); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	var c Catalog
	for _, name := range []string{"sts", "sqs"} {
		s, _ := c.Service(name)
		f.Add(Encode(s))
	}
	f.Fuzz(func(t *testing.T, table []byte) {
		s, err := Decode(table)
		if (s == nil) == (err == nil) {
			t.Errorf("service %v, error %v", s, err)
		}
	})
}

// BenchmarkFirst is what the first call of a process pays for the catalog.
func BenchmarkFirst(b *testing.B) {
	for b.Loop() {
		var c Catalog
		if _, known := c.Service("sts"); !known {
			b.Fatal("no sts")
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, name := range []string{"ec2", "s3", "sts"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := read(name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
