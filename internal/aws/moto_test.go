package aws

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/aws/awstest"
	"tutti/internal/aws/wire"
)

// TestMoto calls an AWS that somebody else wrote, over each protocol. The parts share a server and no service's state.
func TestMoto(t *testing.T) {
	t.Parallel()
	url := awstest.Moto(t)
	for name, part := range map[string]func(*testing.T, peer){
		"s3": motoS3, "json": motoJSON, "rest-json": motoRESTJSON, "rest-xml": motoRESTXML, "query": motoQuery, "ec2": motoEC2, "role": motoRole,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := peer{client: New(Options{Region: "eu-west-1", Endpoint: url, Credentials: static()}, nil)}
			if name == "rest-json" {
				p.style.Names = wire.PascalNames
			}
			part(t, p)
		})
	}
}

// peer is a client with a style.
type peer struct {
	client *Client
	style  wire.Style
}

// object is a JSON object in a test's table.
type object = map[string]any

func list(all ...any) []any { return all }

// do carries out an operation, "dynamodb:putItem", and fails the test where it fails.
func (c peer) do(t *testing.T, name string, input object) object {
	t.Helper()
	service, operation, _ := strings.Cut(name, ":")
	out, err := c.client.Call(context.Background(), Request{Service: service, Operation: operation, Input: input, Style: c.style})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// at looks into nested objects and lists: at(v, "Items", 0, "isbn", "S").
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// refused carries out an operation that has to be refused with a code.
func (c peer) refused(t *testing.T, name string, input object, code string) *Error {
	t.Helper()
	service, operation, _ := strings.Cut(name, ":")
	_, err := c.client.Call(context.Background(), Request{Service: service, Operation: operation, Input: input, Style: c.style})
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != code {
		t.Fatalf("%s: %v, want the code %s", name, err, code)
	}
	return refusal
}

func motoS3(t *testing.T, c peer) {
	c.do(t, "s3:createBucket", object{"Bucket": "books", "CreateBucketConfiguration": object{"LocationConstraint": "eu-west-1"}})
	expect(t, "location", c.do(t, "s3:getBucketLocation", object{"Bucket": "books"}), object{"LocationConstraint": "eu-west-1"})
	put := c.do(t, "s3:putObject", object{
		"Bucket": "books", "Key": "shelf 1/ü+&.txt", "Body": "a text\n", "ContentType": "text/plain", "Metadata": object{"by": "me"},
	})
	if etag, _ := put["ETag"].(string); !strings.HasPrefix(etag, `"`) {
		t.Errorf("the ETag is %q", etag)
	}
	c.do(t, "s3:putObject", object{"Bucket": "books", "Key": "data", "Body": object{"n": 1}})
	got := c.do(t, "s3:getObject", object{"Bucket": "books", "Key": "shelf 1/ü+&.txt"})
	expect(t, "body", got["Body"], "a text\n")
	expect(t, "length", got["ContentLength"], json.Number("7"))
	expect(t, "metadata", got["Metadata"], object{"by": "me"})
	expect(t, "range", c.do(t, "s3:getObject", object{"Bucket": "books", "Key": "data", "Range": "bytes=0-2"})["Body"], `{"n`)
	listed := c.do(t, "s3:listObjectsV2", object{"Bucket": "books", "MaxKeys": 10})
	expect(t, "count", listed["KeyCount"], json.Number("2"))
	expect(t, "key", at(listed, "Contents", 1, "Key"), "shelf 1/ü+&.txt")
	expect(t, "size", at(listed, "Contents", 0, "Size"), json.Number("7"))
	if modified, _ := at(listed, "Contents", 0, "LastModified").(string); !strings.HasSuffix(modified, "Z") {
		t.Errorf("LastModified is %q", modified)
	}
	deleted := c.do(t, "s3:deleteObjects", object{"Bucket": "books", "Delete": object{"Objects": list(object{"Key": "data"})}})
	expect(t, "deleted", at(deleted, "Deleted", 0, "Key"), "data")
	c.do(t, "s3:deleteObject", object{"Bucket": "books", "Key": "shelf 1/ü+&.txt"})
	missing := c.refused(t, "s3:getObject", object{"Bucket": "books", "Key": "data"}, "NoSuchKey")
	if missing.StatusCode != 404 || !missing.Modelled || missing.Retryable || missing.RequestID == "" {
		t.Errorf("the error is %+v", missing)
	}
	c.refused(t, "s3:headObject", object{"Bucket": "books", "Key": "data"}, "NoSuchKey")
	c.refused(t, "s3:getObject", object{"Bucket": "none", "Key": "data"}, "NoSuchBucket")
}

func motoJSON(t *testing.T, c peer) {
	c.do(t, "dynamodb:createTable", object{
		"TableName": "books", "BillingMode": "PAY_PER_REQUEST",
		"AttributeDefinitions": list(object{"AttributeName": "isbn", "AttributeType": "S"}),
		"KeySchema":            list(object{"AttributeName": "isbn", "KeyType": "HASH"}),
	})
	item := object{
		"isbn": object{"S": "978"}, "price": object{"N": "12.50"}, "cover": object{"B": "AAEC/w=="},
		"tags": object{"SS": list("a", "b")}, "more": object{"M": object{"deep": object{"L": list(object{"BOOL": true}, object{"NULL": true})}}},
	}
	c.do(t, "dynamodb:putItem", object{"TableName": "books", "Item": item})
	expect(t, "item", c.do(t, "dynamodb:getItem", object{"TableName": "books", "Key": object{"isbn": object{"S": "978"}}})["Item"], item)
	found := c.do(t, "dynamodb:query", object{
		"TableName": "books", "KeyConditionExpression": "isbn = :i", "ExpressionAttributeValues": object{":i": object{"S": "978"}},
	})
	expect(t, "count", found["Count"], json.Number("1"))
	failed := c.refused(t, "dynamodb:putItem", object{"TableName": "books", "Item": item, "ConditionExpression": "attribute_not_exists(isbn)"},
		"ConditionalCheckFailedException")
	if !failed.Modelled || failed.StatusCode != 400 {
		t.Errorf("the error is %+v", failed)
	}

	queue := c.do(t, "sqs:createQueue", object{"QueueName": "q"})["QueueUrl"]
	c.do(t, "sqs:sendMessage", object{"QueueUrl": queue, "MessageBody": object{"order": 1}})
	received := c.do(t, "sqs:receiveMessage", object{"QueueUrl": queue})
	expect(t, "message", at(received, "Messages", 0, "Body"), `{"order":1}`)
	c.refused(t, "sqs:getQueueUrl", object{"QueueName": "none"}, "QueueDoesNotExist")

	c.do(t, "events:putRule", object{"Name": "r", "ScheduleExpression": "rate(1 minute)"})
	expect(t, "event", c.do(t, "events:putEvents", object{"Entries": list(object{"Source": "shop", "DetailType": "d", "Detail": object{"n": 1}})})["FailedEntryCount"], json.Number("0"))
	c.do(t, "ecs:createCluster", object{"clusterName": "c"})
	expect(t, "clusters", at(c.do(t, "ecs:describeClusters", object{"clusters": list("c")}), "clusters", 0, "status"), "ACTIVE")
	c.do(t, "glue:createDatabase", object{"DatabaseInput": object{"Name": "d"}})
	created, _ := at(c.do(t, "glue:getDatabase", object{"Name": "d"}), "Database", "CreateTime").(string)
	if !strings.HasPrefix(created, "20") || !strings.HasSuffix(created, "Z") {
		t.Errorf("CreateTime is %q", created)
	}
	key := at(c.do(t, "kms:createKey", object{}), "KeyMetadata", "KeyId")
	secret := c.do(t, "kms:encrypt", object{"KeyId": key, "Plaintext": "aGVsbG8="})
	expect(t, "plaintext", c.do(t, "kms:decrypt", object{"CiphertextBlob": secret["CiphertextBlob"]})["Plaintext"], "aGVsbG8=")
	c.do(t, "kinesis:createStream", object{"StreamName": "s", "ShardCount": 1})
	c.do(t, "kinesis:putRecord", object{"StreamName": "s", "PartitionKey": "p", "Data": object{"a": "b"}})
}

func motoRESTJSON(t *testing.T, c peer) {
	role := at(c.do(t, "iam:createRole", object{"RoleName": "r", "AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": list()}}), "Role", "Arn")
	c.do(t, "lambda:createFunction", object{
		"FunctionName": "f", "Runtime": "python3.12", "Role": role, "Handler": "h.h", "Code": object{"ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="},
		"Environment": object{"Variables": object{"A": "1"}},
	})
	expect(t, "function", at(c.do(t, "lambda:listFunctions", nil), "Functions", 0, "FunctionName"), "f")
	invoked := c.do(t, "lambda:invoke", object{"FunctionName": "f", "Payload": object{"n": 1}})
	expect(t, "status", invoked["StatusCode"], json.Number("200"))
	if _, is := invoked["Payload"].(string); !is {
		t.Errorf("the payload is %v", invoked["Payload"])
	}
	c.refused(t, "lambda:getFunction", object{"FunctionName": "none"}, "ResourceNotFoundException")
	c.do(t, "batch:registerJobDefinition", object{"JobDefinitionName": "d", "Type": "container", "ContainerProperties": object{"Image": "i", "Vcpus": 1, "Memory": 128}})
	expect(t, "definition", at(c.do(t, "batch:describeJobDefinitions", object{}), "JobDefinitions", 0, "ContainerProperties", "Image"), "i")
	c.do(t, "apigateway:createRestApi", object{"Name": "shop"})
	expect(t, "api", at(c.do(t, "apigateway:getRestApis", object{"Limit": 5}), "Items", 0, "Name"), "shop")
	c.do(t, "scheduler:createSchedule", object{
		"Name": "s", "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": object{"Mode": "OFF"},
		"Target": object{"Arn": "arn:aws:sqs:eu-west-1:123456789012:q", "RoleArn": role},
	})
	expect(t, "schedule", c.do(t, "scheduler:getSchedule", object{"Name": "s"})["ScheduleExpression"], "rate(1 hour)")
	c.do(t, "eks:createCluster", object{"Name": "k", "RoleArn": role, "ResourcesVpcConfig": object{}})
	expect(t, "cluster", c.do(t, "eks:listClusters", nil)["Clusters"], list("k"))
}

func motoRESTXML(t *testing.T, c peer) {
	zone, _ := at(c.do(t, "route53:createHostedZone", object{"Name": "example.com", "CallerReference": "1"}), "HostedZone", "Id").(string)
	c.do(t, "route53:changeResourceRecordSets", object{"HostedZoneId": zone, "ChangeBatch": object{"Changes": list(object{
		"Action": "CREATE", "ResourceRecordSet": object{"Name": "a.example.com", "Type": "A", "TTL": 60, "ResourceRecords": list(object{"Value": "10.0.0.1"}, object{"Value": "10.0.0.2"})},
	})}})
	records, _ := c.do(t, "route53:listResourceRecordSets", object{"HostedZoneId": zone})["ResourceRecordSets"].([]any)
	for _, record := range records {
		if at(record, "Type") == "A" {
			expect(t, "record", record, object{"Name": "a.example.com.", "Type": "A", "TTL": json.Number("60"), "ResourceRecords": list(object{"Value": "10.0.0.1"}, object{"Value": "10.0.0.2"})})
		}
	}
	if len(records) != 3 {
		t.Errorf("there are %d records", len(records))
	}
	c.refused(t, "route53:getHostedZone", object{"Id": "ZNONE"}, "NoSuchHostedZone")
	expect(t, "distributions", at(c.do(t, "cloudfront:listDistributions", nil), "DistributionList", "Quantity"), json.Number("0"))
}

func motoQuery(t *testing.T, c peer) {
	expect(t, "account", c.do(t, "sts:getCallerIdentity", nil)["Account"], "123456789012")
	c.do(t, "iam:createUser", object{"UserName": "ann", "Tags": list(object{"Key": "team", "Value": "a&b"})})
	user := c.do(t, "iam:getUser", object{"UserName": "ann"})
	expect(t, "tags", at(user, "User", "Tags"), list(object{"Key": "team", "Value": "a&b"}))
	c.refused(t, "iam:getUser", object{"UserName": "bob"}, "NoSuchEntityException")
	topic := c.do(t, "sns:createTopic", object{"Name": "t", "Attributes": object{"DisplayName": "x"}})["TopicArn"]
	if id, _ := c.do(t, "sns:publish", object{"TopicArn": topic, "Message": "m"})["MessageId"].(string); id == "" {
		t.Error("a published message has no ID")
	}
	c.do(t, "cloudwatch:putMetricData", object{"Namespace": "n", "MetricData": list(object{"MetricName": "m", "Value": 1.5, "Timestamp": "2024-01-02T03:04:05Z", "Dimensions": list(object{"Name": "d", "Value": "v"})})})
	expect(t, "metrics", at(c.do(t, "cloudwatch:listMetrics", object{"Namespace": "n"}), "Metrics", 0, "MetricName"), "m")
	stack := c.do(t, "cloudformation:createStack", object{"StackName": "s", "TemplateBody": object{"Resources": object{"Q": object{"Type": "AWS::SQS::Queue"}}}})
	if id, _ := stack["StackId"].(string); !strings.HasPrefix(id, "arn:") {
		t.Errorf("the stack is %v", stack)
	}
	expect(t, "stack", at(c.do(t, "cloudformation:describeStacks", object{"StackName": "s"}), "Stacks", 0, "StackStatus"), "CREATE_COMPLETE")
	c.do(t, "rds:createDBInstance", object{"DbInstanceIdentifier": "db", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 10, "MasterUsername": "u", "MasterUserPassword": "secret99"})
	c.refused(t, "rds:describeDBInstances", object{"DBInstanceIdentifier": "none"}, "DBInstanceNotFoundFault")
}

func motoEC2(t *testing.T, c peer) {
	vpc := at(c.do(t, "ec2:createVpc", object{"CidrBlock": "10.1.0.0/16", "TagSpecifications": list(object{"ResourceType": "vpc", "Tags": list(object{"Key": "k", "Value": "v"})})}), "Vpc", "VpcId")
	found := c.do(t, "ec2:describeVpcs", object{"VpcIds": list(vpc), "Filters": list(object{"Name": "tag:k", "Values": list("v", "w")})})
	expect(t, "cidr", at(found, "Vpcs", 0, "CidrBlock"), "10.1.0.0/16")
	expect(t, "default", at(found, "Vpcs", 0, "IsDefault"), false)
	expect(t, "tags", at(found, "Vpcs", 0, "Tags"), list(object{"Key": "k", "Value": "v"}))
	refusal := c.refused(t, "ec2:describeVpcs", object{"VpcIds": list("vpc-0")}, "InvalidVpcID.NotFound")
	if refusal.Modelled {
		t.Errorf("the error is %+v", refusal)
	}
}

func motoRole(t *testing.T, c peer) {
	out, err := c.client.Call(context.Background(), Request{Service: "sts", Operation: "getCallerIdentity", RoleARN: "arn:aws:iam::210987654321:role/other"})
	if err != nil {
		t.Fatal(err)
	}
	if arn, _ := out["Arn"].(string); arn != "arn:aws:sts::210987654321:assumed-role/other/tutti" {
		t.Errorf("the caller is %s", arn)
	}
}
