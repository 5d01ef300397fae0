package catalog

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// TableSuffix ends the name of a service's table: zstd over what Encode writes.
const TableSuffix = ".zst"

//go:embed tables
var tables embed.FS

// Partition is a part of AWS with accounts and regions of its own, such as China's.
type Partition struct {
	ID      string // "aws-cn"
	Regions string // a regular expression that its regions match
	Suffix  string // its hosts' last part: "amazonaws.com.cn"
}

// Catalog gives the services of AWS. The zero value is ready; it is safe for concurrent use. Services are decoded when
// they are first asked for (some tenths of a millisecond, EC2 a few) and kept.
type Catalog struct {
	once       sync.Once
	byName     map[string]string // any name of a service to its table's
	names      []string          // the tables' names, sorted
	clients    []string          // what ClientName gives for each
	partitions []Partition

	mutex    sync.Mutex
	services map[string]*Service
}

func (c *Catalog) load() {
	c.once.Do(func() {
		c.byName, c.services = map[string]string{}, map[string]*Service{}
		lines, err := fs.ReadFile(tables, "tables/services.txt")
		if err != nil {
			panic("catalog: the list of services is not part of the binary: " + err.Error())
		}
		clients := map[string]string{}
		for line := range strings.Lines(string(lines)) {
			name, client, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			c.names = append(c.names, name)
			if clients[client] == "" { // a few services are twice in the list
				clients[client] = name
				c.clients = append(c.clients, client)
			}
		}
		// A client's name goes before another service's table of the same name.
		for _, name := range c.names {
			c.byName[name] = name
		}
		for client, name := range clients {
			c.byName[client] = name
		}
		slices.Sort(c.clients)
		text, err := fs.ReadFile(tables, "tables/partitions.json")
		if err == nil {
			err = json.Unmarshal(text, &c.partitions)
		}
		if err != nil {
			panic("catalog: the partitions of AWS are not part of the binary: " + err.Error())
		}
	})
}

// Clients gives the names of all services as the Java SDK's clients have them, sorted.
func (c *Catalog) Clients() []string {
	c.load()
	return slices.Clone(c.clients)
}

// Service gives a service by the name that a client of the Java SDK has ("cloudwatchlogs", "sfn") or the AWS command
// gives it ("logs", "stepfunctions"). It reports false where there is none.
func (c *Catalog) Service(name string) (*Service, bool) {
	c.load()
	table, known := c.byName[name]
	if !known {
		return nil, false
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if s := c.services[table]; s != nil {
		return s, true
	}
	s, err := read(table)
	if err != nil {
		panic(fmt.Sprintf("catalog: the table of %s is damaged: %v", table, err))
	}
	c.services[table] = s
	return s, true
}

func read(table string) (*Service, error) {
	packed, err := fs.ReadFile(tables, "tables/"+table+TableSuffix)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(bytes.NewReader(nil), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	plain, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, err
	}
	return Decode(plain)
}

// Endpoint gives where AWS answers the calls to a service in a region, and the region and the name to sign for.
func (c *Catalog) Endpoint(s *Service, region string) (url, signingRegion, signingName string) {
	p := c.Partition(region)
	found := Endpoint{URL: "https://" + s.EndpointPrefix + ".{region}.{suffix}"}
	for _, e := range s.Endpoints {
		if e.Partition == p.ID && (e.Region == "" || e.Region == region) {
			found = e // that of the region follows that of its partition
		}
	}
	url, signingRegion = found.At(region, p.Suffix)
	return url, signingRegion, cmp.Or(found.SigningName, s.SigningName)
}

// Partition gives the partition that a region belongs to; a region that none knows is taken for one of the first, as the
// SDKs take it.
func (c *Catalog) Partition(region string) Partition {
	c.load()
	for _, p := range c.partitions {
		if regexp.MustCompile(p.Regions).MatchString(region) {
			return p
		}
	}
	return c.partitions[0]
}
