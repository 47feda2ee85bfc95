package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// definition is a row of the reference.
type definition struct {
	name, kind, what string
	label            string   // its name; empty: no label
	values           []string // of the label; nil: too many to list
}

// define registers a metric and adds it to the reference.
func (m *Metrics) define(d definition, c prometheus.Collector) {
	m.defined = append(m.defined, d)
	m.registry.MustRegister(c)
}

// counter defines a counter without labels.
func (m *Metrics) counter(name, what string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: what})
	m.define(definition{name: name, kind: "counter", what: what}, c)
	return c
}

// counters has a counter for each value of a label.
type counters[V ~string] struct{ byValue map[V]prometheus.Counter }

// newCounters defines a counter with a label that can have the given values.
func newCounters[V ~string](m *Metrics, name, what, label string, values []V) counters[V] {
	vector := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: what},
		[]string{label})
	d := definition{name: name, kind: "counter", what: what, label: label}
	all := counters[V]{make(map[V]prometheus.Counter, len(values))}
	for _, v := range values {
		d.values = append(d.values, string(v))
		all.byValue[v] = vector.WithLabelValues(string(v))
	}
	m.define(d, vector)
	return all
}

// add adds n to the counter of a value. It ignores values that were not defined.
func (c counters[V]) add(v V, n int64) {
	if counter, ok := c.byValue[v]; ok {
		counter.Add(float64(n))
	}
}

// requestCounters defines a counter with the labels method and code.
func (m *Metrics) requestCounters(name, what string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: what},
		[]string{"method", "code"})
	m.define(definition{name: name, kind: "counter", what: what, label: "method, code"}, c)
	return c
}

// seconds defines a histogram of durations from 0.1 ms to 10 s.
func (m *Metrics) seconds(name, what string) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: what,
		Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5,
			1, 2.5, 5, 10},
	})
	m.define(definition{name: name, kind: "histogram", what: what}, h)
	return h
}

// gauge defines a gauge whose value is read by each scrape.
func (m *Metrics) gauge(name, what string, read func() float64) {
	m.define(definition{name: name, kind: "gauge", what: what},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: what}, read))
}

// total defines a counter that is kept elsewhere and read by each scrape.
func (m *Metrics) total(name, what string, read func() float64) {
	m.define(definition{name: name, kind: "counter", what: what},
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: what}, read))
}
