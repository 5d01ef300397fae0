package awstest

import (
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

func TestMoto(t *testing.T) {
	t.Parallel()
	url := Moto(t)
	response, err := http.Get(url + "/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("moto answers %s", response.Status)
	}
}

// TestAWSCommand has the ordinary AWS command talk to moto, as tests of our own API have it talk to us.
func TestAWSCommand(t *testing.T) {
	t.Parallel()
	aws := exec.Command(Program(t, "aws"), "sts", "get-caller-identity", "--query", "Account", "--output", "text", "--endpoint-url", Moto(t))
	aws.Env = Environment(aws.Environ())
	out, err := aws.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "123456789012" {
		t.Errorf("aws sts get-caller-identity: %v\n%s", err, out)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	env := Environment([]string{"AWS_PROFILE=mine", "HOME=/home/x"})
	all := strings.Join(env, "\n") + "\n"
	if strings.Contains(all, "mine") || !strings.Contains(all, "HOME=/home/x\n") || !strings.Contains(all, "AWS_ACCESS_KEY_ID=test\n") {
		t.Errorf("the environment is %q", env)
	}
}
