package catalog

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The services' names as the AWS SDK for Java 2 makes them of the service IDs. Step Functions names services,
// parameters and errors by them.

// ClassName gives the name that a service's classes begin with, and errors in Step Functions too: "DynamoDb" for
// "DynamoDB", "Sfn" for "SFN", "CloudWatchLogs" for "CloudWatch Logs".
func ClassName(serviceID string) string {
	name := class(serviceID)
	short := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "Amazon"), "Aws"), "Service")
	if short == "" {
		return name
	}
	return short
}

// class puts the words of a name together, each with one upper-case letter.
func class(text string) string {
	var name strings.Builder
	for _, word := range words(text) {
		name.WriteString(Upper(strings.ToLower(word)))
	}
	return name.String()
}

// ClientName gives the name of a service in an ARN of Step Functions: "dynamodb", "sfn", "cloudwatchlogs".
func ClientName(serviceID string) string { return strings.ToLower(ClassName(serviceID)) }

// words splits as the Java SDK's generator does, version letters and acronyms included: "TestV4" is two words, "IoT" is
// one, "ACMSuccess" is two.
func words(text string) []string {
	for _, step := range []struct{ find, replace string }{
		{`[^A-Za-z0-9]+`, " "},
		{`([^a-z]{2,})v([0-9]+)`, "$1 v$2 "},
		{`([^A-Z]{2,})V([0-9]+)`, "$1 V$2 "},
		{`([a-z])([A-Z][a-zA-Z0-9])`, "$1 $2"},
		{`([a-z])([A-Z][a-zA-Z0-9])`, "$1 $2"}, // again, for those that overlapped
		{`([A-Z]+)([A-Z][a-z])`, "$1 $2"},
		{`([0-9])([a-zA-Z])`, "$1 $2"},
	} {
		text = regexp.MustCompile(step.find).ReplaceAllString(text, step.replace)
	}
	return strings.Fields(text)
}

// ErrorClass gives the name of an error's class: "NoSuchKeyException" for NoSuchKey, "DbInstanceNotFoundException" for
// DBInstanceNotFoundFault.
func ErrorClass(shape string) string {
	return class(strings.TrimSuffix(strings.TrimSuffix(shape, "Fault"), "Exception")) + "Exception"
}

// Pascal gives the name under which Step Functions takes and gives a member: its first letter in upper case, and of an
// acronym that it begins with only that one. "clusterArn" becomes "ClusterArn", "DBInstanceIdentifier"
// "DbInstanceIdentifier", "ETag" stays.
func Pascal(member string) string {
	text := []rune(member)
	for i := 1; i < len(text) && unicode.IsUpper(text[i]); i++ {
		if i+1 < len(text) && unicode.IsLower(text[i+1]) {
			break
		}
		text[i] = unicode.ToLower(text[i])
	}
	if len(text) > 0 {
		text[0] = unicode.ToUpper(text[0])
	}
	return string(text)
}

// Upper gives a name with its first letter in upper case, as the AWS SDK for Java 1 had it: "DBInstanceIdentifier".
func Upper(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}

func lowerFirst(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToLower(first)) + text[size:]
}
