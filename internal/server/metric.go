package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tutti/internal/runtime/local"
	"tutti/internal/server/states"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// metrics are numbers for Prometheus. All names begin with tutti_.
type metrics struct {
	registry *prometheus.Registry
	started  prometheus.Counter
	ended    *prometheus.CounterVec // by status
	requests *prometheus.CounterVec // by action and error code
	answers  *prometheus.HistogramVec
	journal  *prometheus.HistogramVec
	lag      prometheus.Histogram
	missed   prometheus.Counter
}

// newMetrics has one registry to a server, so that tests may have many of them.
func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		started:  prometheus.NewCounter(prometheus.CounterOpts{Name: "tutti_executions_started_total", Help: "Executions that were started by this process."}),
		ended:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tutti_executions_ended_total", Help: "Executions that ended, by status."}, []string{"status"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tutti_api_requests_total", Help: "Requests to the Step Functions API, by action and error; the error is empty for those that succeeded."},
			[]string{"action", "error"}),
		answers: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tutti_api_request_seconds", Help: "How long requests to the Step Functions API took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 10)}, []string{"action"}),
		journal: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "tutti_journal_seconds", Help: "How long it took until something was durable: begin is a new run, append entries of a journal.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}, []string{"operation"}),
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tutti_schedule_lag_seconds", Help: "How long after its time something was started that was due.",
			Buckets: prometheus.ExponentialBuckets(0.01, 4, 10)}),
		missed: prometheus.NewCounter(prometheus.CounterOpts{Name: "tutti_schedule_missed_total", Help: "Times that were due while nobody served and were left out."}),
	}
	m.registry.MustRegister(m.started, m.ended, m.requests, m.answers, m.journal, m.lag, m.missed,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds what is counted elsewhere.
func (m *metrics) watch(stats func() local.Stats, offered func() int) {
	gauge := func(name, help string, f func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f))
	}
	gauge("tutti_executions_open", "Executions and map runs that go on.", func() float64 { return float64(stats().Runs) })
	gauge("tutti_activities_out", "Calls of Tasks that are under way, and tasks of activities that wait for a worker.", func() float64 { return float64(stats().Working) })
	gauge("tutti_activities_queued", "Calls of Tasks that wait for their turn.", func() float64 { return float64(stats().Queued) })
	gauge("tutti_activity_tasks_offered", "Tasks of activities that wait for a worker.", func() float64 { return float64(offered()) })
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) answered(action, code string, took time.Duration) {
	m.requests.WithLabelValues(action, code).Inc()
	m.answers.WithLabelValues(action).Observe(took.Seconds())
}

func (m *metrics) runEnded(r store.Run, res local.Result) {
	if r.Machine == execution.MachineExecution {
		m.ended.WithLabelValues(string(res.Status)).Inc()
	}
}

// timedStore is a store that tells how long it takes until something is durable.
type timedStore struct {
	store.Store
	metrics *metrics
}

// Begin implements store.Runs.
func (s *timedStore) Begin(ctx context.Context, r store.Run, entries []store.Entry) (store.RunID, error) {
	began := time.Now()
	id, err := s.Store.Begin(ctx, r, entries)
	s.metrics.journal.WithLabelValues("begin").Observe(time.Since(began).Seconds())
	if err == nil && (r.Machine == execution.MachineExecution || r.Machine == states.MachineExpress) {
		s.metrics.started.Inc()
	}
	return id, err
}

// Append implements store.Journal.
func (s *timedStore) Append(ctx context.Context, run store.RunID, entries []store.Entry) error {
	began := time.Now()
	err := s.Store.Append(ctx, run, entries)
	s.metrics.journal.WithLabelValues("append").Observe(time.Since(began).Seconds())
	return err
}

func oneDocument() store.DocumentFilter {
	return store.DocumentFilter{Kind: documentSchedule, Limit: 1}
}
