package serve

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rlkd/rlkd/reward"
)

// metrics is what /metrics shows.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // by path and status
	latency  *prometheus.HistogramVec // seconds, by path
	queued   prometheus.Gauge
	rows     prometheus.Counter
	batches  prometheus.Histogram   // rows scored together
	scoring  prometheus.Histogram   // seconds of a batch
	missing  *prometheus.CounterVec // by part and cause
}

func newMetrics() *metrics {
	seconds := prometheus.ExponentialBuckets(0.001, 4, 9) // 1 ms to 65 s
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rlkd_requests_total", Help: "Requests answered."}, []string{"path", "status"}),
		latency:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "rlkd_request_seconds", Help: "Time from a request to its answer.", Buckets: seconds}, []string{"path"}),
		queued:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "rlkd_queue_rows", Help: "Rows that wait."}),
		rows:     prometheus.NewCounter(prometheus.CounterOpts{Name: "rlkd_rows_scored_total", Help: "Rows scored."}),
		batches:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rlkd_batch_rows", Help: "Rows scored together.", Buckets: prometheus.ExponentialBuckets(1, 2, 11)}),
		scoring:  prometheus.NewHistogram(prometheus.HistogramOpts{Name: "rlkd_batch_seconds", Help: "Time to score a batch.", Buckets: seconds}),
		missing:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rlkd_missing_total", Help: "Rewards that could not be known."}, []string{"part", "cause"}),
	}
	m.registry.MustRegister(m.requests, m.latency, m.queued, m.rows, m.batches, m.scoring, m.missing,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// scored counts a batch of n rows; scores is empty if it failed.
func (m *metrics) scored(scores []reward.Score, n int, took time.Duration) {
	m.batches.Observe(float64(n))
	m.scoring.Observe(took.Seconds())
	m.rows.Add(float64(len(scores)))
	for _, s := range scores {
		for part, reason := range s.Explain().Missing {
			m.missing.WithLabelValues(part, reward.Cause(reason)).Inc()
		}
	}
}
